"""Every business "no" of the shop, with its facts.

A refusal carries no status and no interface's words: each interface owns one table from these
classes to what its clients see, and a test proves that every class has a row in every table.

    Refusal
    |- Unauthenticated        who are you?
    |  |- BadCredentials          name and password do not belong together
    |  |- SessionEnded            the token's session is over, or its user is not active
    |  |- CredentialReused        a rotated token came back; its session has been ended
    |  `- SecondFactorNeeded, SecondFactorWrong
    |- Forbidden              you may not
    |  |- RoleMissing             the act needs a role that the actor lacks
    |  |- NotOwner                the thing belongs to somebody else
    |  |- ScopeMissing            the API token was made for other things
    |  |- LogInNeeded             a person must do this, not an API token
    |  |- ConfirmationRequired    show the password once more
    |  |- SecondFactorRequired    first set one up: staff of this shop have one
    |  |- SelfService             staff ask others of the staff to serve them
    |  |- CoinsNotAttested        coins need a machine, a cashier or an admin as witness
    |  |- RegistrationClosed      nobody registers themselves here
    |  `- SellerNotInvited        no admin has invited the seller to this machine
    |- Unknown                no such thing: UnknownUser, UnknownGuest, UnknownProduct, UnknownMachine,
    |                         UnknownOrder, UnknownPurchase, UnknownTransfer, UnknownSession,
    |                         UnknownToken, UnknownImage, UnknownScreen, UnknownImport
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
       |- CoinsMissing, CoinsOwed, NotPayable, PayoutNotCovered, EarningsOwed
       |- NameTaken, NameTooSimilar, BarcodeTaken, EmailTaken, ClientRefTaken, ExternalRefTaken
       |- NotRefundable, RefundWindowOver, RefundExceedsSale, RefundsExhausted, RefundNotCovered
       |- NotReversible, AlreadyReversed, ReversalNotCovered
       |- PriceChanged             it costs something else than the buyer has seen
       |- WrongStatus              the order is not, or no longer, where this could be done
       |- TabLimitExceeded, TabExposureReached, SettlementExceedsTab
       |- CoinsCapReached, MachineCoinsCapReached, CoinsDeclaredElsewhere
       |- DepositTooLarge, MachineLimitReached, UserNotPresent, UndoAtCounter
       |- TooManyProducts, TooManyPieces, PicturesTooLarge
       |- ImportUndone             the products are as before the import
       |- SecondFactorOn, SecondFactorOff
       |- FulfilNotOffered, TooManyPlaced
       |- StillHoldsValue         earnings, a tab or stock must be settled first
       |- WalletTouched           somebody used the wallet meanwhile
       |- VersionChanged          somebody else changed the thing meanwhile
       |- RecordUnreadable        the key's answer is kept in a form of a newer release
       |- PlanChanged             the shelves stand otherwise than the caller has seen
       |- TooManyScreens          first remove one that is not needed any more
       |- TooManyTokens           first revoke one that is not needed any more
       `- LastAdmin               the shop would be left without an admin

A refusal's `code` never changes: clients and stored records know it by that, whatever its class is called.
The till keeps refusals for replay as their `facts`, and `revive` brings them back.
"""

from __future__ import annotations

from typing import Any

from tuckshop.domain.refusals.base import Conflict as Conflict
from tuckshop.domain.refusals.base import Forbidden as Forbidden
from tuckshop.domain.refusals.base import Refusal as Refusal
from tuckshop.domain.refusals.base import Throttled as Throttled
from tuckshop.domain.refusals.base import Unacceptable as Unacceptable
from tuckshop.domain.refusals.base import Unauthenticated as Unauthenticated
from tuckshop.domain.refusals.base import Unknown as Unknown
from tuckshop.domain.refusals.base import leaves as leaves
from tuckshop.domain.refusals.money import AlreadyReversed as AlreadyReversed
from tuckshop.domain.refusals.money import BalanceTooLarge as BalanceTooLarge
from tuckshop.domain.refusals.money import ChangeUnpayable as ChangeUnpayable
from tuckshop.domain.refusals.money import CoinsCapReached as CoinsCapReached
from tuckshop.domain.refusals.money import CoinsDeclaredElsewhere as CoinsDeclaredElsewhere
from tuckshop.domain.refusals.money import CoinsMissing as CoinsMissing
from tuckshop.domain.refusals.money import CoinsOwed as CoinsOwed
from tuckshop.domain.refusals.money import DepositTooLarge as DepositTooLarge
from tuckshop.domain.refusals.money import EarningsOwed as EarningsOwed
from tuckshop.domain.refusals.money import ExternalRefTaken as ExternalRefTaken
from tuckshop.domain.refusals.money import InsufficientFunds as InsufficientFunds
from tuckshop.domain.refusals.money import MachineCoinsCapReached as MachineCoinsCapReached
from tuckshop.domain.refusals.money import MachineLimitReached as MachineLimitReached
from tuckshop.domain.refusals.money import NothingToPayOut as NothingToPayOut
from tuckshop.domain.refusals.money import NotPayable as NotPayable
from tuckshop.domain.refusals.money import NotReversible as NotReversible
from tuckshop.domain.refusals.money import PayoutNotCovered as PayoutNotCovered
from tuckshop.domain.refusals.money import RefundNotCovered as RefundNotCovered
from tuckshop.domain.refusals.money import ReversalNotCovered as ReversalNotCovered
from tuckshop.domain.refusals.money import SettlementExceedsTab as SettlementExceedsTab
from tuckshop.domain.refusals.money import TabExposureReached as TabExposureReached
from tuckshop.domain.refusals.money import TabLimitExceeded as TabLimitExceeded
from tuckshop.domain.refusals.money import WalletTouched as WalletTouched
from tuckshop.domain.refusals.orders import ClientRefTaken as ClientRefTaken
from tuckshop.domain.refusals.orders import FulfilNotOffered as FulfilNotOffered
from tuckshop.domain.refusals.orders import NotRefundable as NotRefundable
from tuckshop.domain.refusals.orders import OutOfStock as OutOfStock
from tuckshop.domain.refusals.orders import PriceChanged as PriceChanged
from tuckshop.domain.refusals.orders import RefundExceedsSale as RefundExceedsSale
from tuckshop.domain.refusals.orders import RefundsExhausted as RefundsExhausted
from tuckshop.domain.refusals.orders import RefundWindowOver as RefundWindowOver
from tuckshop.domain.refusals.orders import TooManyPlaced as TooManyPlaced
from tuckshop.domain.refusals.orders import UndoAtCounter as UndoAtCounter
from tuckshop.domain.refusals.orders import UserNotPresent as UserNotPresent
from tuckshop.domain.refusals.orders import WrongStatus as WrongStatus
from tuckshop.domain.refusals.products import BarcodeTaken as BarcodeTaken
from tuckshop.domain.refusals.products import ImportUndone as ImportUndone
from tuckshop.domain.refusals.products import PicturesTooLarge as PicturesTooLarge
from tuckshop.domain.refusals.products import PlanChanged as PlanChanged
from tuckshop.domain.refusals.products import StockTooLarge as StockTooLarge
from tuckshop.domain.refusals.products import TooManyPieces as TooManyPieces
from tuckshop.domain.refusals.products import TooManyProducts as TooManyProducts
from tuckshop.domain.refusals.products import TooManyScreens as TooManyScreens
from tuckshop.domain.refusals.products import VersionChanged as VersionChanged
from tuckshop.domain.refusals.unknown import UnknownGuest as UnknownGuest
from tuckshop.domain.refusals.unknown import UnknownImage as UnknownImage
from tuckshop.domain.refusals.unknown import UnknownImport as UnknownImport
from tuckshop.domain.refusals.unknown import UnknownMachine as UnknownMachine
from tuckshop.domain.refusals.unknown import UnknownOrder as UnknownOrder
from tuckshop.domain.refusals.unknown import UnknownProduct as UnknownProduct
from tuckshop.domain.refusals.unknown import UnknownPurchase as UnknownPurchase
from tuckshop.domain.refusals.unknown import UnknownScreen as UnknownScreen
from tuckshop.domain.refusals.unknown import UnknownSession as UnknownSession
from tuckshop.domain.refusals.unknown import UnknownToken as UnknownToken
from tuckshop.domain.refusals.unknown import UnknownTransfer as UnknownTransfer
from tuckshop.domain.refusals.unknown import UnknownUser as UnknownUser
from tuckshop.domain.refusals.users import BadCredentials as BadCredentials
from tuckshop.domain.refusals.users import CoinsNotAttested as CoinsNotAttested
from tuckshop.domain.refusals.users import ConfirmationRequired as ConfirmationRequired
from tuckshop.domain.refusals.users import CredentialReused as CredentialReused
from tuckshop.domain.refusals.users import EmailTaken as EmailTaken
from tuckshop.domain.refusals.users import LastAdmin as LastAdmin
from tuckshop.domain.refusals.users import LogInNeeded as LogInNeeded
from tuckshop.domain.refusals.users import NameTaken as NameTaken
from tuckshop.domain.refusals.users import NameTooSimilar as NameTooSimilar
from tuckshop.domain.refusals.users import NotOwner as NotOwner
from tuckshop.domain.refusals.users import RegistrationClosed as RegistrationClosed
from tuckshop.domain.refusals.users import RoleMissing as RoleMissing
from tuckshop.domain.refusals.users import ScopeMissing as ScopeMissing
from tuckshop.domain.refusals.users import SecondFactorNeeded as SecondFactorNeeded
from tuckshop.domain.refusals.users import SecondFactorOff as SecondFactorOff
from tuckshop.domain.refusals.users import SecondFactorOn as SecondFactorOn
from tuckshop.domain.refusals.users import SecondFactorRequired as SecondFactorRequired
from tuckshop.domain.refusals.users import SecondFactorWrong as SecondFactorWrong
from tuckshop.domain.refusals.users import SelfService as SelfService
from tuckshop.domain.refusals.users import SellerNotInvited as SellerNotInvited
from tuckshop.domain.refusals.users import SessionEnded as SessionEnded
from tuckshop.domain.refusals.users import StillHoldsValue as StillHoldsValue
from tuckshop.domain.refusals.users import Thing as Thing
from tuckshop.domain.refusals.users import TooManyRegistrations as TooManyRegistrations
from tuckshop.domain.refusals.users import TooManyStreams as TooManyStreams
from tuckshop.domain.refusals.users import TooManyTokens as TooManyTokens
from tuckshop.domain.refusals.users import TooManyTries as TooManyTries
from tuckshop.domain.refusals.values import CoinNotAccepted as CoinNotAccepted
from tuckshop.domain.refusals.values import InvalidField as InvalidField
from tuckshop.domain.refusals.values import KeyReused as KeyReused
from tuckshop.domain.refusals.values import RecordUnreadable as RecordUnreadable
from tuckshop.domain.refusals.values import ReportTooLarge as ReportTooLarge

_BY_CODE = {leaf.code: leaf for leaf in leaves()}


def revive(code: str, facts: dict[str, Any]) -> Refusal:
    """The refusal that `r.code` and `r.facts()` told of; facts that it has no more are left out.

    Raises:
        KeyError: no refusal of the tree has the code.
        TypeError: a fact is missing.
    """
    return _BY_CODE[code].of_facts(facts)
