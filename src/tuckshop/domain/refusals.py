"""Every business "no" of the shop, with its facts.

A refusal carries no status and no interface's words: each interface owns one table from these
classes to what its clients see, and a test proves that every class has a row in every table.

    Refusal
    |- Unauthenticated        who are you?
    |  |- BadCredentials          name and password do not belong together
    |  |- SecondFactorNeeded, SecondFactorWrong
    |  |- SessionEnded            the token's session is over, or its user is not active
    |  `- CredentialReused        a rotated token came back; its session has been ended
    |- Forbidden              you may not
    |  |- RoleMissing             the act needs a role that the actor lacks
    |  |- NotOwner                the thing belongs to somebody else
    |  |- ScopeMissing            the API token was made for other things
    |  |- LogInNeeded             a person must do this, not an API token
    |  |- ConfirmationRequired    show the password once more
    |  |- SecondFactorRequired    first set one up: staff of this shop have one
    |  |- SelfService             staff ask others of the staff to serve them
    |  |- CoinsNotAttested        coins need a machine, a cashier or an admin as witness
    |  `- RegistrationClosed      nobody registers themselves here
    |- Unknown                no such thing: UnknownUser, UnknownGuest, UnknownProduct, UnknownMachine,
    |                         UnknownOrder, UnknownPurchase, UnknownSession, UnknownToken, UnknownImage,
    |                         UnknownScreen
    |- Unacceptable           the value itself is wrong, whatever the shop's state
    |  |- InvalidField            a name, price, quantity ... that breaks a rule: one of `field_problems`
    |  |- CoinNotAccepted         no such coin in this currency, or not taken
    |  |- ReportTooLarge          the answer would have more rows than one can have
    |  `- KeyReused               an idempotency key came with another request
    |- Throttled              not so often
    |  |- TooManyTries            too many log-ins were tried; wait
    |  |- TooManyRegistrations    too many users came from one network; wait
    |  `- TooManyStreams          one address watches on too many connections
    `- Conflict               not as things stand now
       |- InsufficientFunds, OutOfStock, StockTooLarge, BalanceTooLarge, ChangeUnpayable, NothingToPayOut
       |- CoinsMissing, CoinsOwed, NotPayable
       |- NameTaken, BarcodeTaken, EmailTaken, ClientRefTaken, ExternalRefTaken
       |- NotRefundable, RefundWindowOver, RefundExceedsSale, RefundsExhausted
       |- PriceChanged             it costs something else than the buyer has seen
       |- WrongStatus              the order is not, or no longer, where this could be done
       |- TabLimitExceeded, SettlementExceedsTab, CoinsCapReached
       |- DepositTooLarge, MachineLimitReached, UserNotPresent, UndoAtCounter
       |- FulfilNotOffered, TooManyPlaced
       |- StillHoldsValue         earnings, a tab or stock must be settled first
       |- WalletTouched           somebody used the wallet meanwhile
       |- VersionChanged          somebody else changed the thing meanwhile
       |- RecordUnreadable        the key's answer is kept in a form of a newer release
       |- PlanChanged             the shelves stand otherwise than the caller has seen
       |- TooManyScreens          first remove one that is not needed any more
       |- SecondFactorOn, SecondFactorOff
       |- TooManyTokens           first revoke one that is not needed any more
       `- LastAdmin               the shop would be left without an admin

A refusal's `code` never changes: clients and stored records know it by that, whatever its class is called.
The till keeps refusals for replay as their `facts`, and `revive` brings them back.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from tuckshop.domain.field_problems import FieldProblem, StoredReason, revive_problem
from tuckshop.domain.identity_refusals import BadCredentials as BadCredentials
from tuckshop.domain.identity_refusals import ConfirmationRequired as ConfirmationRequired
from tuckshop.domain.identity_refusals import CredentialReused as CredentialReused
from tuckshop.domain.identity_refusals import LogInNeeded as LogInNeeded
from tuckshop.domain.identity_refusals import ScopeMissing as ScopeMissing
from tuckshop.domain.identity_refusals import SecondFactorNeeded as SecondFactorNeeded
from tuckshop.domain.identity_refusals import SecondFactorOff as SecondFactorOff
from tuckshop.domain.identity_refusals import SecondFactorOn as SecondFactorOn
from tuckshop.domain.identity_refusals import SecondFactorRequired as SecondFactorRequired
from tuckshop.domain.identity_refusals import SecondFactorWrong as SecondFactorWrong
from tuckshop.domain.identity_refusals import SelfService as SelfService
from tuckshop.domain.identity_refusals import SessionEnded as SessionEnded
from tuckshop.domain.identity_refusals import TooManyTokens as TooManyTokens
from tuckshop.domain.identity_refusals import UnknownSession as UnknownSession
from tuckshop.domain.identity_refusals import UnknownToken as UnknownToken
from tuckshop.domain.refusal import Conflict as Conflict
from tuckshop.domain.refusal import Forbidden as Forbidden
from tuckshop.domain.refusal import Refusal as Refusal
from tuckshop.domain.refusal import Throttled as Throttled
from tuckshop.domain.refusal import Unacceptable as Unacceptable
from tuckshop.domain.refusal import Unauthenticated as Unauthenticated
from tuckshop.domain.refusal import Unknown as Unknown
from tuckshop.domain.refusal import leaves as leaves

Thing = Literal["account", "machine", "product", "report", "wallet"]
"""What can belong to somebody."""


class RoleMissing(Forbidden, code="role-missing"):
    """The act needs one of `roles`."""

    roles: tuple[str, ...]


class NotOwner(Forbidden, code="not-owner"):
    """The thing belongs to another user."""

    thing: Thing


class CoinsNotAttested(Forbidden, code="coins-not-attested"):
    """Nobody trusted has seen these coins: a machine's key, a cashier or an admin must say so."""


class RegistrationClosed(Forbidden, code="registration-closed"):
    """This role cannot be taken by registering."""

    role: str


class UnknownUser(Unknown, code="unknown-user"):
    """No user with this id or name."""

    user: int | str


class UnknownGuest(Unknown, code="unknown-guest"):
    """No guest of this name."""

    guest: str


class UnknownProduct(Unknown, code="unknown-product"):
    """No product with this id or name is on sale on this machine."""

    product: int | str


class UnknownMachine(Unknown, code="unknown-machine"):
    """No machine with this id or name."""

    machine: int | str


class UnknownOrder(Unknown, code="unknown-order"):
    """No order with this id, or this reference of the client's, that the caller may see."""

    order: int | str


class UnknownPurchase(Unknown, code="unknown-purchase"):
    """The guest has bought none of the product here, or given all of it back."""

    product: int


class UnknownScreen(Unknown, code="unknown-screen"):
    """The machine has no such screen, or it has ended."""

    screen: int


class UnknownImage(Unknown, code="unknown-image"):
    """No picture with this id."""

    image: int


def _coded(facts: dict[str, Any]) -> dict[str, Any]:
    """Version 1 kept the problem as the end of an English sentence, which is said again as it was."""
    return {"field": facts["field"], "code": StoredReason.code, "facts": {"reason": facts["reason"]}}


class InvalidField(Unacceptable, code="invalid-field", stored_version=2, upgrades=(_coded,)):
    """The value of `field` cannot be taken; `problem` is why."""

    field: str
    problem: FieldProblem

    def facts(self) -> dict[str, Any]:
        """The field, and the problem's code and facts."""
        return {"field": self.field, "code": self.problem.code, "facts": self.problem.facts()}

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> Self:
        """As `facts` tells them. Raises KeyError for a problem that is not in the set."""
        return cls(facts["field"], revive_problem(facts["code"], facts["facts"]))


class CoinNotAccepted(Unacceptable, code="coin-not-accepted"):
    """The shop takes no coin or note of this value."""

    value_cents: int
    accepted: tuple[int, ...]


class ReportTooLarge(Unacceptable, code="report-too-large"):
    """What was asked for has more rows than one answer may have."""

    rows_max: int


class KeyReused(Unacceptable, code="key-reused"):
    """The idempotency key already stands for another request."""

    key: str


class TooManyTries(Throttled, code="too-many-tries"):
    """Too many log-ins of this name, or from this address."""


class TooManyRegistrations(Throttled, code="too-many-registrations"):
    """More than this many from one network within an hour."""

    registrations_max: int


class TooManyStreams(Throttled, code="too-many-streams"):
    """One address watches events on this many connections already; closing one makes room at once."""

    streams_max: int


class RecordUnreadable(Conflict, code="record-unreadable"):
    """The answer under the key is kept in a form that this release does not know; nothing is done again.

    `order`, `refund` and `transfer` are what came of it, as far as that is known.
    """

    key: str
    form: str
    form_version: int
    recorded_at: str
    order: int | None
    refund: int | None
    transfer: int | None


class InsufficientFunds(Conflict, code="insufficient-funds"):
    """The wallet holds less than the order costs, or than is to be sent."""

    needed_cents: int
    balance_cents: int


class OutOfStock(Conflict, code="out-of-stock"):
    """The shelf holds fewer than were asked for."""

    product: int
    available: int


class StockTooLarge(Conflict, code="stock-too-large"):
    """The shelf would hold more than its capacity."""

    product: int
    capacity: int


class BalanceTooLarge(Conflict, code="balance-too-large"):
    """The wallet would hold more than any wallet may."""

    balance_cents_max: int


class ChangeUnpayable(Conflict, code="change-unpayable"):
    """The coin box cannot pay this change with the coins it holds: exact money, please."""

    change_cents: int


class NothingToPayOut(Conflict, code="nothing-to-pay-out"):
    """The wallet holds nothing that coins can pay."""

    balance_cents: int


class CoinsMissing(Conflict, code="coins-missing"):
    """The coin box holds fewer of these than are to be taken out."""

    value_cents: int
    available: int


class CoinsOwed(Conflict, code="coins-owed"):
    """The coin box is below zero in some coin, and no counted box can be: fill or count it first."""

    machine: int


class NotPayable(Conflict, code="not-payable"):
    """The seller's earnings do not give that much now; `payable_cents` they do."""

    payable_cents: int
    balance_cents: int


class NameTaken(Conflict, code="name-taken"):
    """Another user, product on sale, or machine has this name (case and accents' spelling aside)."""

    name: str


class BarcodeTaken(Conflict, code="barcode-taken"):
    """`product`, on sale and of the same seller, has this barcode."""

    barcode: str
    product: int


class EmailTaken(Conflict, code="email-taken"):
    """Another user has this email address."""

    email: str


class ClientRefTaken(Conflict, code="client-ref-taken"):
    """The buyer has used this reference before; `order` is what it stands for."""

    client_ref: str
    order: int


class ExternalRefTaken(Conflict, code="external-ref-taken"):
    """This reference has moved money before; `transfer` is what it stands for."""

    external_ref: str
    transfer: int


class NotRefundable(Conflict, code="not-refundable"):
    """The product was sold without the right to give it back."""

    product: int


class RefundWindowOver(Conflict, code="refund-window-over"):
    """The buyer's own time for giving back has passed."""

    window_seconds: int


class RefundExceedsSale(Conflict, code="refund-exceeds-sale"):
    """More was asked back than was sold and not yet refunded."""

    product: int
    refundable_quantity: int


class RefundsExhausted(Conflict, code="refunds-exhausted"):
    """The buyer has had refunds as often within a day as buyers may by themselves."""

    refunds_max: int


class PriceChanged(Conflict, code="price-changed"):
    """The order costs `total_cents` now, and not what the buyer has seen.

    `product` is the first whose price is not the one seen, `price_cents` what a piece of it costs now.
    """

    total_cents: int
    product: int | None = None
    price_cents: int | None = None


class WrongStatus(Conflict, code="wrong-status"):
    """The order's status does not allow this."""

    order: int
    order_status: str


class TabLimitExceeded(Conflict, code="tab-limit-exceeded"):
    """The buyer's tab would owe more than it may."""

    limit_cents: int
    owed_cents: int
    needed_cents: int


class SettlementExceedsTab(Conflict, code="settlement-exceeds-tab"):
    """More was to be settled than the tab owes."""

    owed_cents: int
    amount_cents: int


class CoinsCapReached(Conflict, code="coins-cap-reached"):
    """The buyer has declared as many coins within a day as nobody need see; `left_cents` are still free."""

    cap_cents: int
    left_cents: int


class DepositTooLarge(Conflict, code="deposit-too-large"):
    """More was to be credited at once with a machine's key than `limit_cents`."""

    limit_cents: int


class MachineLimitReached(Conflict, code="machine-limit-reached"):
    """The machine's key has credited as much within the hour as it may; `left_cents` are still free."""

    limit_cents: int
    left_cents: int
    retry_seconds: int


class UserNotPresent(Conflict, code="user-not-present"):
    """A machine spoke for a user who has not logged in there."""

    user: int


class UndoAtCounter(Conflict, code="undo-at-counter"):
    """Nobody of the shop sees whether the goods came back; `retry_seconds` until the machine takes some back.

    None: it never does.
    """

    retry_seconds: int | None = None


class FulfilNotOffered(Conflict, code="fulfil-not-offered"):
    """The machine does not dispense then what a wallet pays for."""

    machine: int
    offered: str


class TooManyPlaced(Conflict, code="too-many-placed"):
    """As many pieces of the buyer's orders wait to be dispensed as may."""

    pieces_max: int
    placed: int


class StillHoldsValue(Conflict, code="still-holds-value"):
    """Earnings, a tab or stock must be settled before this user can be closed."""

    earned_cents: int
    owed_cents: int
    stock: int


class WalletTouched(Conflict, code="wallet-touched"):
    """The wallet holds something else than the caller has seen."""

    balance_cents: int


class VersionChanged(Conflict, code="version-changed"):
    """The thing is at another version than the caller has seen."""

    version: int


class PlanChanged(Conflict, code="plan-changed"):
    """The machine's shelves are planned otherwise than the caller has seen."""

    machine: int


class TooManyScreens(Conflict, code="too-many-screens"):
    """The machine has as many screens as it may."""

    count_max: int


class LastAdmin(Conflict, code="last-admin"):
    """The shop's last active admin stays."""


_BY_CODE = {leaf.code: leaf for leaf in leaves()}


def revive(code: str, facts: dict[str, Any]) -> Refusal:
    """The refusal that `r.code` and `r.facts()` told of; facts that it has no more are left out.

    Raises:
        KeyError: no refusal of the tree has the code.
        TypeError: a fact is missing.
    """
    return _BY_CODE[code].of_facts(facts)
