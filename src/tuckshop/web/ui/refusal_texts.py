"""Why something is refused, in the reader's language: a text for each refusal, and how it is filled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, cast

from tuckshop.domain import refusals
from tuckshop.domain.field_problems import FieldProblem, StoredReason
from tuckshop.domain.money import Currency
from tuckshop.domain.refusals import InvalidField, Refusal
from tuckshop.imports.file_problems import FileProblem, FileTooLarge, InvalidCell
from tuckshop.web.ui.i18n import N_, Plural, Words
from tuckshop.web.ui.labels import Labels
from tuckshop.web.ui.problem_texts import CELL_PROBLEMS, FIELD_PROBLEMS, FIELDS, FILE_PROBLEMS

if TYPE_CHECKING:
    from tuckshop.domain.refusals import Thing

LONG_NUMBER = 10_000  # From five digits on a number needs marks between them.
_IDS = frozenset(
    {"image", "machine", "order", "product", "reversal", "session", "token", "transfer", "user", "version"}
)
MIB = 1024**2

REFUSALS: Mapping[type[Refusal], tuple[str, str | Plural]] = {
    refusals.BadCredentials: (
        N_("Wrong name or password"),
        N_("The username or the password is wrong. Try again."),
    ),
    refusals.SessionEnded: (N_("Not logged in"), N_("Your session has ended. Log in again.")),
    refusals.CredentialReused: (
        N_("Token used twice"),
        N_("This refresh token was already used, so its session has ended. Log in again."),
    ),
    refusals.RoleMissing: (N_("Role missing"), N_("You need one of these roles: %(roles)s.")),
    refusals.NotOwner: (N_("Not yours"), N_("This %(thing)s belongs to somebody else.")),
    refusals.ScopeMissing: (N_("Scope missing"), N_("You need an API token with the scope %(scopes)s.")),
    refusals.LogInNeeded: (N_("Log-in needed"), N_("API tokens cannot do this. Log in instead.")),
    refusals.ConfirmationRequired: (
        N_("Confirm your password"),
        N_("Enter your password to continue."),
    ),
    refusals.SelfService: (
        N_("Not for yourself"),
        N_("Staff cannot do this for themselves. Ask another cashier or admin."),
    ),
    refusals.CoinsNotAttested: (
        N_("Coins not attested"),
        N_("Ask a cashier or an admin to add or pay out the coins."),
    ),
    refusals.RegistrationClosed: (
        N_("Registration closed"),
        N_("Registration as %(role)s is closed. Ask an admin."),
    ),
    refusals.UnknownUser: (N_("Unknown user"), N_("There is no user %(user)s.")),
    refusals.UnknownGuest: (N_("Unknown guest"), N_("There is no guest %(guest)s.")),
    refusals.UnknownProduct: (N_("Unknown product"), N_("Product %(product)s is not on sale.")),
    refusals.UnknownMachine: (N_("Unknown machine"), N_("There is no machine %(machine)s.")),
    refusals.UnknownOrder: (N_("Unknown order"), N_("You have no order %(order)s.")),
    refusals.UnknownPurchase: (
        N_("Unknown purchase"),
        N_("This guest has no purchase of product %(product)s to undo here."),
    ),
    refusals.UnknownTransfer: (N_("Unknown movement"), N_("There is no movement %(transfer)s.")),
    refusals.UnknownSession: (N_("Unknown session"), N_("You have no session %(session)s.")),
    refusals.UnknownToken: (N_("Unknown token"), N_("You have no API token %(token)s.")),
    refusals.UnknownImport: (
        N_("Unknown import"),
        N_("There is no such import, or it is too old to be undone."),
    ),
    refusals.UnknownScreen: (N_("Unknown screen"), N_("This machine has no screen %(screen)s.")),
    refusals.UnknownImage: (N_("Unknown image"), N_("There is no image %(image)s.")),
    refusals.InvalidField: (N_("Invalid value"), N_("%(field)s %(reason)s.")),
    refusals.CoinNotAccepted: (
        N_("Coin not accepted"),
        N_("Coins of %(value_cents)s are not accepted. Use one of these: %(accepted)s."),
    ),
    refusals.KeyReused: (
        N_("Idempotency key reused"),
        N_("The key %(key)s was used for another request. Use a new key."),
    ),
    refusals.RecordUnreadable: (
        N_("Response cannot be read"),
        N_(
            "The request with the key %(key)s was already completed at %(recorded_at)s, but another"
            " version of Tuckshop stored its response. Nothing was done again."
        ),
    ),
    refusals.ReportTooLarge: (
        N_("Report too large"),
        Plural(
            "The report would have more than %(rows_max)s row. Choose fewer days or less detail.",
            "The report would have more than %(rows_max)s rows. Choose fewer days or less detail.",
            "rows_max",
        ),
    ),
    refusals.TooManyTries: (
        N_("Too many attempts"),
        Plural(
            "Too many log-in attempts. Wait %(retry_seconds)s second and try again.",
            "Too many log-in attempts. Wait %(retry_seconds)s seconds and try again.",
            "retry_seconds",
        ),
    ),
    refusals.TooManyRegistrations: (
        N_("Too many registrations"),
        Plural(
            "Too many users were registered from your network. Wait %(retry_seconds)s second and try again.",
            "Too many users were registered from your network. Wait %(retry_seconds)s seconds and try again.",
            "retry_seconds",
        ),
    ),
    refusals.TooManyStreams: (
        N_("Too many event streams"),
        N_("Too many pages are open on your network. Close one and try again."),
    ),
    refusals.InsufficientFunds: (
        N_("Insufficient funds"),
        N_("This costs %(needed_cents)s, but the wallet has only %(balance_cents)s."),
    ),
    refusals.OutOfStock: (
        N_("Out of stock"),
        Plural(
            "Only %(available)s left of product %(product)s.",
            "Only %(available)s left of product %(product)s.",
            "available",
        ),
    ),
    refusals.StockTooLarge: (
        N_("Stock too large"),
        N_("The shelf holds at most %(capacity)s of product %(product)s."),
    ),
    refusals.BalanceTooLarge: (
        N_("Balance too large"),
        N_("A wallet can hold at most %(balance_cents_max)s."),
    ),
    refusals.ChangeUnpayable: (
        N_("No change"),
        N_(
            "This machine has no change for %(change_cents)s. Pay the exact amount, or keep the change"
            " as credit."
        ),
    ),
    refusals.NothingToPayOut: (
        N_("Nothing to pay out"),
        N_("%(balance_cents)s is too little to pay out in coins."),
    ),
    refusals.CoinsMissing: (
        N_("Coins missing"),
        N_("The coin box has only %(available)s of %(value_cents)s."),
    ),
    refusals.CoinsOwed: (
        N_("Coin box below zero"),
        N_("The coin box of machine %(machine)s is below zero for a coin. Add change or count it first."),
    ),
    refusals.NotPayable: (
        N_("Not available for payout"),
        N_("%(payable_cents)s of the %(balance_cents)s earned is available for payout."),
    ),
    refusals.PayoutNotCovered: (
        N_("Payout not covered"),
        N_(
            "%(amount_cents)s is more than the %(covered_cents)s that the shop has in counted coins, in coins"
            " that staff took, and at the bank. Count the coin boxes, or confirm the payout."
        ),
    ),
    refusals.RefundNotCovered: (
        N_("Refund not covered"),
        N_(
            "Your earnings cover %(covered_cents)s of the refund of %(amount_cents)s. A cashier can make it:"
            " the office has a list of such refunds."
        ),
    ),
    refusals.EarningsOwed: (
        N_("Earnings owed"),
        N_("The seller owes the shop %(owed_cents)s. That must be paid back first."),
    ),
    refusals.ImportUndone: (N_("Import undone"), N_("This import was already undone.")),
    refusals.NameTooSimilar: (
        N_("Name too similar"),
        N_("The name %(name)s looks like another user’s, or mixes alphabets in a word. Choose another one."),
    ),
    refusals.NameTaken: (N_("Name taken"), N_("The name %(name)s is taken. Choose another one.")),
    refusals.BarcodeTaken: (
        N_("Barcode taken"),
        N_("Product %(product)s already has the barcode %(barcode)s."),
    ),
    refusals.EmailTaken: (N_("Email taken"), N_("The email address %(email)s is taken. Use another one.")),
    refusals.ClientRefTaken: (
        N_("Reference used"),
        N_("The reference %(client_ref)s was used for order %(order)s."),
    ),
    refusals.ExternalRefTaken: (
        N_("External reference used"),
        N_("The reference %(external_ref)s was used for transfer %(transfer)s."),
    ),
    refusals.NotRefundable: (N_("Not refundable"), N_("Product %(product)s cannot be returned.")),
    refusals.RefundWindowOver: (
        N_("Refund window over"),
        Plural(
            "Purchases can be returned within %(window_seconds)s second. Ask a cashier.",
            "Purchases can be returned within %(window_seconds)s seconds. Ask a cashier.",
            "window_seconds",
        ),
    ),
    refusals.RefundExceedsSale: (
        N_("Refund exceeds sale"),
        Plural(
            "Only %(refundable_quantity)s of product %(product)s can still be refunded.",
            "Only %(refundable_quantity)s of product %(product)s can still be refunded.",
            "refundable_quantity",
        ),
    ),
    refusals.RefundsExhausted: (
        N_("Too many returns"),
        Plural(
            "You can return purchases %(refunds_max)s time a day. Ask a cashier.",
            "You can return purchases %(refunds_max)s times a day. Ask a cashier.",
            "refunds_max",
        ),
    ),
    refusals.NotReversible: (
        N_("Cannot be reversed"),
        N_(
            "This movement cannot be reversed. Refund an order on its page, and correct a coin box by"
            " counting it."
        ),
    ),
    refusals.AlreadyReversed: (
        N_("Already reversed"),
        N_("Movement %(transfer)s was already reversed, by movement %(reversal)s."),
    ),
    refusals.ReversalNotCovered: (
        N_("Wallet too low"),
        N_(
            "%(needed_cents)s must be taken back, but the wallet has only %(balance_cents)s. The rest can go"
            " on the user’s tab."
        ),
    ),
    refusals.PriceChanged: (
        N_("Price changed"),
        N_("The price changed. It costs %(total_cents)s now. Check it and buy again."),
    ),
    refusals.WrongStatus: (N_("Wrong status"), N_("Order %(order)s is %(order_status)s.")),
    refusals.TabLimitExceeded: (
        N_("Tab limit exceeded"),
        N_("This costs %(needed_cents)s. The tab owes %(owed_cents)s of at most %(limit_cents)s."),
    ),
    refusals.TabExposureReached: (
        N_("Tabs are full"),
        N_(
            "This costs %(needed_cents)s. Buyers without an approved tab owe %(owed_cents)s of at most"
            " %(ceiling_cents)s together. Ask an admin to approve your tab, or pay now."
        ),
    ),
    refusals.SettlementExceedsTab: (
        N_("Settlement exceeds tab"),
        N_("The tab owes %(owed_cents)s, so %(amount_cents)s is too much."),
    ),
    refusals.CoinsCapReached: (
        N_("Coin limit reached"),
        N_(
            "You can add %(cap_cents)s in coins a day. You can add %(left_cents)s more today. To add"
            " more, ask a cashier."
        ),
    ),
    refusals.DepositTooLarge: (
        N_("Too many coins"),
        N_("A machine takes at most %(limit_cents)s at a time. Ask a cashier."),
    ),
    refusals.MachineLimitReached: (
        N_("Machine limit reached"),
        N_("This machine takes no more coins in this hour. Try again later, or ask a cashier."),
    ),
    refusals.UserNotPresent: (
        N_("Not logged in here"),
        N_("Log in at this machine first."),
    ),
    refusals.UndoAtCounter: (
        N_("Return at the counter"),
        N_("This purchase cannot be returned here. Return it at the counter."),
    ),
    refusals.FulfilNotOffered: (
        N_("Not offered here"),
        N_("This machine does not offer that. Choose another machine."),
    ),
    refusals.TooManyPlaced: (
        N_("Too many waiting"),
        N_(
            "At most %(pieces_max)s products can wait for you, and %(placed)s do. Collect or cancel them"
            " first."
        ),
    ),
    refusals.MachineCoinsCapReached: (
        N_("Machine coin limit reached"),
        N_(
            "Buyers can add %(cap_cents)s in coins a day at this machine, and %(left_cents)s more today. Ask"
            " a cashier, or come back tomorrow."
        ),
    ),
    refusals.CoinsDeclaredElsewhere: (
        N_("Added at another machine"),
        N_(
            "Your %(balance_cents)s was added in coins at another machine. Take it out there, or ask a"
            " cashier."
        ),
    ),
    refusals.StillHoldsValue: (
        N_("Not empty yet"),
        Plural(
            "To close this user account, first pay out %(earned_cents)s of earnings, settle %(owed_cents)s on"
            " the tab and remove %(stock)s piece of stock.",
            "To close this user account, first pay out %(earned_cents)s of earnings, settle %(owed_cents)s on"
            " the tab and remove %(stock)s pieces of stock.",
            "stock",
        ),
    ),
    refusals.WalletTouched: (
        N_("Wallet changed"),
        N_("The wallet was used in the meantime and has %(balance_cents)s now. Check and try again."),
    ),
    refusals.PlanChanged: (
        N_("Shelves changed"),
        N_("Somebody else changed these shelves. Load them again."),
    ),
    refusals.VersionChanged: (
        N_("Changed by somebody else"),
        N_("It was changed, and is at version %(version)s now. Load it again."),
    ),
    refusals.TooManyTokens: (
        N_("Too many tokens"),
        Plural(
            "You can have at most %(count_max)s API token. Revoke one first.",
            "You can have at most %(count_max)s API tokens. Revoke one first.",
            "count_max",
        ),
    ),
    refusals.TooManyScreens: (
        N_("Too many screens"),
        N_("A machine can have at most %(count_max)s screens. Remove one first."),
    ),
    refusals.SellerNotInvited: (
        N_("Not invited"),
        N_("Sellers need an invitation to this machine. Ask an admin."),
    ),
    refusals.TooManyProducts: (
        N_("Too many products"),
        Plural(
            "A seller can have at most %(products_max)s product on sale. Ask an admin for more.",
            "A seller can have at most %(products_max)s products on sale. Ask an admin for more.",
            "products_max",
        ),
    ),
    refusals.TooManyPieces: (
        N_("Too many pieces"),
        Plural(
            "A seller can have at most %(pieces_max)s piece on the shelves, and %(pieces)s are. Ask an admin"
            " for more.",
            "A seller can have at most %(pieces_max)s pieces on the shelves, and %(pieces)s are. Ask an admin"
            " for more.",
            "pieces_max",
        ),
    ),
    refusals.PicturesTooLarge: (
        N_("Pictures too large"),
        N_(
            "A seller’s pictures can have at most %(bytes_max)s bytes together, and %(bytes)s are used. Use a"
            " smaller picture, or ask an admin for more."
        ),
    ),
    refusals.SecondFactorNeeded: (
        N_("Code needed"),
        N_("Enter the code from your authenticator app, or a recovery code."),
    ),
    refusals.SecondFactorWrong: (
        N_("Wrong code"),
        N_("This code is wrong, was used before, or is too old. Enter the next one."),
    ),
    refusals.SecondFactorRequired: (
        N_("Second step required"),
        N_("Staff of this shop log in with a second step. Set it up under Account, Second step."),
    ),
    refusals.SecondFactorOn: (
        N_("Second step is on"),
        N_("Your second step is on. To set up another app, turn it off first."),
    ),
    refusals.SecondFactorOff: (
        N_("Second step is off"),
        N_("The second step is off, or was not set up to the end."),
    ),
    refusals.LastAdmin: (N_("Last admin"), N_("The shop needs at least one admin.")),
}
"""The title of its page, and its sentence."""


def of_refusal(refusal: Refusal, words: Words, currency: Currency) -> str:
    """The refusal as a sentence."""
    _, text = REFUSALS[type(refusal)]
    if not isinstance(refusal, InvalidField):
        return _told(text, refusal.facts(), words, currency)
    field = words.gettext(FIELDS[refusal.field]) if refusal.field in FIELDS else refusal.field
    return _told(text, {"field": field, "reason": said(refusal.problem, words, currency)}, words, currency)


def said(problem: FieldProblem, words: Words, currency: Currency) -> str:
    """The end of a sentence that begins with the field."""
    if isinstance(problem, StoredReason):
        return problem.reason  # In the language of the records: nobody knows any more what it was made of.
    return _told(FIELD_PROBLEMS[type(problem)], problem.facts(), words, currency)


def sentence(problem: FieldProblem, words: Words, currency: Currency) -> str:
    """The problem as a sentence of its own, for beside the field."""
    told = said(problem, words, currency)
    return f"{told[:1].upper()}{told[1:]}."


def of_row(problem: FileProblem, words: Words, currency: Currency) -> str:
    """Why a file, or a row of it, is not taken, as a sentence."""
    facts: dict[str, object] = dict(problem.facts())
    if isinstance(problem, InvalidCell):
        text = CELL_PROBLEMS.get(type(problem.problem))
        facts["problem"] = words.gettext(text) if text else said(problem.problem, words, currency)
    elif isinstance(problem, FileTooLarge):
        facts["mib"] = problem.bytes_max // MIB
    return _told(FILE_PROBLEMS[type(problem)], facts, words, currency)


def _told(text: str | Plural, facts: Mapping[str, object], words: Words, currency: Currency) -> str:
    shown = {name: written(name, fact, words, currency) for name, fact in facts.items()}
    if not isinstance(text, Plural):
        return words.gettext(text, **shown)
    count = facts[text.fact]
    assert isinstance(count, int), "the fact that a text counts by is a number"
    return words.ngettext(text.one, text.many, count, **shown)


def written(name: str, fact: object, words: Words, currency: Currency) -> object:
    """A fact as this language writes it: amounts, days and long numbers; names and ids as they are."""
    match fact:
        case tuple():
            return ", ".join(str(written(name, one, words, currency)) for one in fact)
        case int() if "cents" in name or name == "accepted":
            return words.money(fact, currency)
        case int() if fact >= LONG_NUMBER and name not in _IDS:
            return words.number(f"{fact}")
        case str() if name.endswith("_day"):
            return words.day(date.fromisoformat(fact))
        case str():
            return _called(name, fact, words)
        case _:
            return fact


def _called(name: str, fact: str, words: Words) -> str:
    """One of a fixed set by its name in this language; whatever somebody has typed as it is."""
    called = Labels(words)
    match name:
        case "role" | "roles":
            return called.role(fact)
        case "scopes":
            return called.scope(fact)
        case "order_status":
            return called.status(fact)
        case "thing":
            return called.thing(cast("Thing", fact))
        case _:
            return fact
