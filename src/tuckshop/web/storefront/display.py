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
    _ = words.gettext
    if seen.wrong_code:
        return _("No shelf has the code %(code)s.", code=seen.wrong_code)
    if seen.sold_out:
        return _("%(product)s is sold out.", product=seen.sold_out)
    if seen.note is not None and seen.note.event is Event.SOLD_OUT and seen.missed:
        if seen.note.available:
            return words.ngettext(
                "Only %(num)s of %(product)s left.",
                "Only %(num)s of %(product)s left.",
                seen.note.available,
                product=seen.missed,
            )
        return _("%(product)s is sold out.", product=seen.missed)
    if seen.note is not None and seen.note.event is not Event.TOO_LITTLE:
        return _of_note(seen.note, words, currency)
    if seen.missing_cents and not seen.puts_coins:
        return _("You need %(amount)s more.", amount=words.money(seen.missing_cents, currency))
    if seen.missing_cents:
        return _("Insert %(amount)s more.", amount=words.money(seen.missing_cents, currency))
    if seen.chosen:
        return _("Ready. Press Buy.")
    if seen.balance_cents:
        return _("What would you like?")
    return greeting(seen, words)


def greeting(seen: Seen, words: Words) -> str:
    """The sentence for somebody who has done nothing yet."""
    if not seen.puts_coins:
        return words.gettext("Welcome! Have a look around.")
    return words.gettext("Hello! Choose something, or insert coins.")


def left_forms(words: Words) -> dict[str, str]:
    """How many are left, for each form of counting: a script puts the number in for `{count}`."""
    return {
        form: words.ngettext("%(num)s left", "%(num)s left", count, num="{count}")
        for form, count in words.counts.items()
    }


def _of_note(note: Note, words: Words, currency: Currency) -> str:
    _, amount = words.gettext, words.money(note.cents, currency)
    match note.event:
        case Event.BOUGHT if note.text and note.cents:
            return _("Enjoy your %(product)s! %(amount)s change.", product=note.text, amount=amount)
        case Event.BOUGHT if note.text:
            return _("Enjoy your %(product)s!", product=note.text)
        case Event.BOUGHT if note.cents:
            return _("Enjoy! %(amount)s change.", amount=amount)
        case Event.BOUGHT:
            return _("Enjoy!")
        case Event.RETURNED:
            return _("%(amount)s came back. Take your coins.", amount=amount)
        case Event.UNDONE:
            return _("Taken back. %(amount)s is yours again.", amount=amount)
        case Event.REFUSED:
            return note.text
        case Event.NOTHING_CHOSEN:
            return _("Choose something first.")
        case Event.ALREADY:
            return _("This was done before. Press again if you want it once more.")
        case Event.PUT_ASIDE:
            return _("%(amount)s was left here and put aside. Ask the cashier.", amount=amount)
        case Event.COME_AGAIN | Event.SOLD_OUT | Event.TOO_LITTLE:
            return _("That page was out of date. Please press again.")
