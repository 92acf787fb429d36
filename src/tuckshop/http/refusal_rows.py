"""What HTTP says of each refusal: status, title and sentence. /v1 and all dialects share the table."""

from __future__ import annotations

from typing import NamedTuple

from tuckshop.domain import refusals
from tuckshop.domain.refusals import Refusal


class Row(NamedTuple):
    """How a refusal is told: status, a title that never changes, a sentence made of its facts."""

    status: int
    title: str
    detail: str


TABLE: dict[type[Refusal], Row] = {
    refusals.BadCredentials: Row(401, "Wrong name or password", "The username or the password is wrong."),
    refusals.SessionEnded: Row(
        401, "Not logged in", "The token is missing, has expired or was revoked. Log in again."
    ),
    refusals.CredentialReused: Row(
        401,
        "Token used twice",
        "This refresh token was already used, so its session has ended. Log in again.",
    ),
    refusals.RoleMissing: Row(403, "Role missing", "You need one of these roles: {roles}."),
    refusals.NotOwner: Row(403, "Not yours", "This {thing} belongs to somebody else."),
    refusals.ScopeMissing: Row(403, "Scope missing", "You need an API token with the scope {scopes}."),
    refusals.LogInNeeded: Row(403, "Log-in needed", "API tokens cannot do this. Log in instead."),
    refusals.ConfirmationRequired: Row(
        403,
        "Confirmation required",
        "Confirm your password with POST /v1/auth/confirm, or log in again. Then this is possible for"
        " {fresh_seconds} seconds.",
    ),
    refusals.SelfService: Row(
        403, "Not for yourself", "Staff cannot do this for themselves. Ask another cashier or admin."
    ),
    refusals.CoinsNotAttested: Row(
        403,
        "Coins not attested",
        "A cashier, an admin or a machine with a key must confirm these coins.",
    ),
    refusals.RegistrationClosed: Row(
        403, "Registration closed", "Registration as {role} is closed. Ask an admin."
    ),
    refusals.SellerNotInvited: Row(
        403, "Not invited", "Sellers need an invitation to machine {machine}. Ask an admin."
    ),
    refusals.UnknownUser: Row(404, "Unknown user", "There is no user {user}."),
    refusals.UnknownGuest: Row(404, "Unknown guest", "There is no guest {guest}."),
    refusals.UnknownProduct: Row(404, "Unknown product", "Product {product} is not on sale."),
    refusals.UnknownMachine: Row(404, "Unknown machine", "There is no machine {machine}."),
    refusals.UnknownOrder: Row(404, "Unknown order", "You have no order {order}."),
    refusals.UnknownPurchase: Row(
        404, "Unknown purchase", "This guest has no purchase of product {product} to undo here."
    ),
    refusals.UnknownTransfer: Row(404, "Unknown transfer", "There is no transfer {transfer}."),
    refusals.UnknownSession: Row(404, "Unknown session", "You have no session {session}."),
    refusals.UnknownToken: Row(404, "Unknown token", "You have no API token {token}."),
    refusals.UnknownImport: Row(
        404, "Unknown import", "There is no import {key}, or it is too old to be undone."
    ),
    refusals.UnknownScreen: Row(404, "Unknown screen", "This machine has no screen {screen}."),
    refusals.UnknownImage: Row(404, "Unknown image", "There is no image {image}."),
    refusals.InvalidField: Row(422, "Invalid value", "{field} {reason}."),
    refusals.CoinNotAccepted: Row(
        422, "Coin not accepted", "Coins of {value_cents} are not accepted. Use one of {accepted}."
    ),
    refusals.KeyReused: Row(
        422, "Idempotency key reused", "The key {key} was used for another request. Use a new key."
    ),
    refusals.ReportTooLarge: Row(
        422,
        "Report too large",
        "The report would have more than {rows_max} rows. Choose fewer days or less detail.",
    ),
    refusals.TooManyTries: Row(
        429, "Too many attempts", "Too many log-in attempts. Wait {retry_seconds} seconds and try again."
    ),
    refusals.TooManyRegistrations: Row(
        429,
        "Too many registrations",
        "From one network {registrations_max} users can register within an hour. Wait {retry_seconds} seconds"
        " and try again.",
    ),
    refusals.TooManyStreams: Row(
        429,
        "Too many event streams",
        "One address can have {streams_max} event streams. Close one, or wait {retry_seconds} seconds.",
    ),
    refusals.RecordUnreadable: Row(
        409,
        "Response cannot be read",
        "The request with the key {key} was already completed at {recorded_at}, but this release cannot read"
        " its response ({form}, version {form_version}). Nothing was done again.",
    ),
    refusals.InsufficientFunds: Row(
        409, "Insufficient funds", "This costs {needed_cents}, but the wallet has only {balance_cents}."
    ),
    refusals.OutOfStock: Row(409, "Out of stock", "Only {available} left of product {product}."),
    refusals.StockTooLarge: Row(
        409, "Stock too large", "The shelf holds at most {capacity} of product {product}."
    ),
    refusals.BalanceTooLarge: Row(409, "Balance too large", "A wallet can hold at most {balance_cents_max}."),
    refusals.ChangeUnpayable: Row(
        409,
        "No change",
        "This machine has no change for {change_cents}. Pay the exact amount, or keep the change as credit.",
    ),
    refusals.NothingToPayOut: Row(
        409, "Nothing to pay out", "{balance_cents} is too little to pay out in coins."
    ),
    refusals.CoinsMissing: Row(409, "Coins missing", "The coin box has only {available} of {value_cents}."),
    refusals.CoinsOwed: Row(
        409,
        "Coin box below zero",
        "The coin box of machine {machine} is below zero for a coin. Add change or count it first.",
    ),
    refusals.NotPayable: Row(
        409,
        "Not available for payout",
        "{payable_cents} of the {balance_cents} earned is available for payout.",
    ),
    refusals.PayoutNotCovered: Row(
        409,
        "Payout not covered",
        "{amount_cents} is more than the {covered_cents} that the shop has in counted coins, in coins that"
        " staff took, and at the bank. Count the coin boxes, or confirm the payout.",
    ),
    refusals.RefundNotCovered: Row(
        409,
        "Refund not covered",
        "Your earnings cover {covered_cents} of the refund of {amount_cents}. A cashier can make it: the"
        " office has a list of such refunds.",
    ),
    refusals.EarningsOwed: Row(
        409, "Earnings owed", "The seller owes the shop {owed_cents}. That must be paid back first."
    ),
    refusals.ImportUndone: Row(409, "Import undone", "The import {key} was already undone."),
    refusals.NameTooSimilar: Row(
        409,
        "Name too similar",
        "The name {name} looks like another user's, or mixes alphabets in a word. Choose another one.",
    ),
    refusals.NameTaken: Row(409, "Name taken", "The name {name} is taken. Choose another one."),
    refusals.BarcodeTaken: Row(409, "Barcode taken", "Product {product} already has the barcode {barcode}."),
    refusals.EmailTaken: Row(409, "Email taken", "The email address {email} is taken. Use another one."),
    refusals.ClientRefTaken: Row(
        409, "Reference used", "The reference {client_ref} was used for order {order}."
    ),
    refusals.ExternalRefTaken: Row(
        409, "External reference used", "The reference {external_ref} was used for transfer {transfer}."
    ),
    refusals.NotRefundable: Row(409, "Not refundable", "Product {product} cannot be returned."),
    refusals.RefundWindowOver: Row(
        409, "Refund window over", "Purchases can be returned within {window_seconds} seconds. Ask a cashier."
    ),
    refusals.RefundExceedsSale: Row(
        409, "Refund exceeds sale", "Only {refundable_quantity} of product {product} can still be refunded."
    ),
    refusals.RefundsExhausted: Row(
        409, "Too many returns", "Purchases can be returned {refunds_max} times a day. Ask a cashier."
    ),
    refusals.NotReversible: Row(
        409,
        "Not reversible",
        "Transfer {transfer} is a {kind}, which cannot be reversed. Refund sales; count coin boxes.",
    ),
    refusals.AlreadyReversed: Row(
        409, "Already reversed", "Transfer {transfer} was already reversed, by transfer {reversal}."
    ),
    refusals.ReversalNotCovered: Row(
        409,
        "Reversal not covered",
        "{needed_cents} must be taken back, but the wallet has only {balance_cents}. The rest can go on the"
        " user's tab.",
    ),
    refusals.PriceChanged: Row(
        409, "Price changed", "The price changed. The order costs {total_cents} now. Nothing was bought."
    ),
    refusals.WrongStatus: Row(409, "Wrong status", "Order {order} is {order_status}."),
    refusals.TabLimitExceeded: Row(
        409,
        "Tab limit exceeded",
        "This costs {needed_cents}. The tab owes {owed_cents} of at most {limit_cents}.",
    ),
    refusals.TabExposureReached: Row(
        409,
        "Tabs are full",
        "This costs {needed_cents}. Buyers without an approved tab owe {owed_cents} of at most"
        " {ceiling_cents} together. Ask an admin to approve yours, or wait until tabs are settled.",
    ),
    refusals.SettlementExceedsTab: Row(
        409, "Settlement exceeds tab", "The tab owes {owed_cents}, so {amount_cents} is too much."
    ),
    refusals.CoinsCapReached: Row(
        409,
        "Coin limit reached",
        "Buyers can add {cap_cents} in coins a day, and {left_cents} more today. Ask a cashier.",
    ),
    refusals.DepositTooLarge: Row(
        409, "Deposit too large", "A machine can credit at most {limit_cents} at a time. Ask a cashier."
    ),
    refusals.MachineLimitReached: Row(
        409,
        "Machine limit reached",
        "This machine can credit {limit_cents} an hour, and {left_cents} more in this one. It ends in"
        " {retry_seconds} seconds.",
    ),
    refusals.UserNotPresent: Row(
        409, "User not present", "User {user} has not logged in at this machine. Log in there first."
    ),
    refusals.UndoAtCounter: Row(
        409, "Return at the counter", "This purchase cannot be undone here. Return it at the counter."
    ),
    refusals.FulfilNotOffered: Row(
        409, "Not dispensed then", "Orders from a wallet are dispensed {offered} at machine {machine}."
    ),
    refusals.TooManyPlaced: Row(
        409,
        "Too many pieces placed",
        "At most {pieces_max} pieces can wait to be dispensed, and {placed} do. Fetch or cancel them first.",
    ),
    refusals.MachineCoinsCapReached: Row(
        409,
        "Machine coin limit reached",
        "Buyers can add {cap_cents} in coins a day at machine {machine}, and {left_cents} more today. Ask a"
        " cashier, or try again in {retry_seconds} seconds.",
    ),
    refusals.CoinsDeclaredElsewhere: Row(
        409,
        "Added at another machine",
        "{balance_cents} was added in coins at another machine, which pays it out. Machine {machine} does"
        " not.",
    ),
    refusals.TooManyProducts: Row(
        409,
        "Too many products",
        "A seller can have at most {products_max} products on sale, and {products} are."
        " Ask an admin for more.",
    ),
    refusals.TooManyPieces: Row(
        409,
        "Too many pieces",
        "A seller can have at most {pieces_max} pieces on the shelves, and {pieces} are."
        " Ask an admin for more.",
    ),
    refusals.PicturesTooLarge: Row(
        409,
        "Pictures too large",
        "A seller's pictures can have at most {bytes_max} bytes together, and {bytes} are used. Ask an admin"
        " for more.",
    ),
    refusals.StillHoldsValue: Row(
        409,
        "Not empty yet",
        "To close this user account, first pay out {earned_cents} of earnings, settle {owed_cents} on the tab"
        " and remove {stock} pieces of stock.",
    ),
    refusals.WalletTouched: Row(
        409, "Wallet changed", "The wallet was used in the meantime and has {balance_cents} now."
    ),
    refusals.PlanChanged: Row(
        412, "Shelves changed", "Somebody else changed these shelves. Load them again."
    ),
    refusals.VersionChanged: Row(
        412, "Changed by somebody else", "It was changed, and is at version {version} now. Load it again."
    ),
    refusals.TooManyTokens: Row(
        409, "Too many tokens", "A user can have at most {count_max} API tokens. Revoke one first."
    ),
    refusals.TooManyScreens: Row(
        409, "Too many screens", "A machine can have at most {count_max} screens. Remove one first."
    ),
    refusals.SecondFactorNeeded: Row(
        401, "Second factor needed", "Send the code of your app, or a recovery code, with the password."
    ),
    refusals.SecondFactorWrong: Row(
        401, "Wrong code", "The code is wrong, was used before, or is too old. Wait for the next one."
    ),
    refusals.SecondFactorRequired: Row(
        403,
        "Second factor required",
        "In this shop staff need a second factor. Set one up first.",
    ),
    refusals.SecondFactorOn: Row(
        409, "Second factor is on", "You have a second factor. To set up another one, turn it off first."
    ),
    refusals.SecondFactorOff: Row(409, "No second factor", "There is no second factor, or it is not set up."),
    refusals.LastAdmin: Row(409, "Last admin", "The shop needs at least one admin."),
}
