"""What the machine's display says: one sentence, from what is chosen, what was put in, what has happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tuckshop.domain.money import Currency
from tuckshop.queries.storefront import Stocked
from tuckshop.web.storefront.flash import Event, Note
from tuckshop.web.ui.i18n import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that the display goes by. `wrong_code`: what was typed, if no shelf has it."""

    chosen: Mapping[Stocked, int]
    balance_cents: int
    wrong_code: str
    sold_out: str
    puts_coins: bool
    note: Note | None
    missed: str  # the name of what the note says is sold out

    @property
    def total_cents(self) -> int:
        """What the choice costs."""
        return sum(one.price_cents * pieces for one, pieces in self.chosen.items())

    @property
    def missing_cents(self) -> int:
        """What is still to be put in for it."""
        return max(self.total_cents - self.balance_cents, 0)


def said(seen: Seen, words: Words, currency: Currency) -> str:
    """The sentence: the newest news first, then what to do next."""
    say = words.say
    if seen.wrong_code:
        return say("No shelf has the code {code}.", code=seen.wrong_code)
    if seen.sold_out:
        return say("{product} is sold out.", product=seen.sold_out)
    if seen.note is not None and seen.note.event is Event.SOLD_OUT and seen.missed:
        if seen.note.available:
            return say("Only {count} of {product} left.", count=seen.note.available, product=seen.missed)
        return say("{product} is sold out.", product=seen.missed)
    if seen.note is not None and seen.note.event is not Event.TOO_LITTLE:
        return _of_note(seen.note, words, currency)
    if seen.missing_cents and not seen.puts_coins:
        return say("You need {amount} more.", amount=words.money(seen.missing_cents, currency))
    if seen.missing_cents:
        return say("Insert {amount} more.", amount=words.money(seen.missing_cents, currency))
    if seen.chosen:
        return say("Ready. Press Buy.")
    if seen.balance_cents:
        return say("What would you like?")
    return greeting(seen, words)


def greeting(seen: Seen, words: Words) -> str:
    """The sentence for somebody who has done nothing yet."""
    if not seen.puts_coins:
        return words.say("Welcome! Have a look around.")
    return words.say("Hello! Choose something, or insert coins.")


def _of_note(note: Note, words: Words, currency: Currency) -> str:
    say, amount = words.say, words.money(note.cents, currency)
    match note.event:
        case Event.BOUGHT if note.text and note.cents:
            return say("Enjoy your {product}! {amount} change.", product=note.text, amount=amount)
        case Event.BOUGHT if note.text:
            return say("Enjoy your {product}!", product=note.text)
        case Event.BOUGHT if note.cents:
            return say("Enjoy! {amount} change.", amount=amount)
        case Event.BOUGHT:
            return say("Enjoy!")
        case Event.RETURNED:
            return say("{amount} came back. Take your coins.", amount=amount)
        case Event.UNDONE:
            return say("Taken back. {amount} is yours again.", amount=amount)
        case Event.REFUSED:
            return note.text
        case Event.NOTHING_CHOSEN:
            return say("Choose something first.")
        case Event.ALREADY:
            return say("This was done before. Press again if you want it once more.")
        case Event.PUT_ASIDE:
            return say("{amount} was left here and put aside. Ask the cashier.", amount=amount)
        case Event.COME_AGAIN | Event.SOLD_OUT | Event.TOO_LITTLE:
            return say("That page was out of date. Please press again.")
