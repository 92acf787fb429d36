"""Becoming a user, decided on the page.

Each function raises the refusals of its rules, and then has left the page as it was.
"""

from __future__ import annotations

from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.refusals import EmailTaken, NameTaken
from tuckshop.domain.users import Actor, Role, name_key
from tuckshop.till.commands import wallet
from tuckshop.till.commands.base import Deposit, Newcomer, Register, Registered
from tuckshop.till.policy import Policy
from tuckshop.till.state.working_set import Page, UserRow, Wanted


def wants(command: Register, wanted: Wanted) -> None:
    """Adds to `wanted` what the command needs to know."""
    newcomer = command.newcomer
    wanted.usernames.add(name_key(newcomer.username))
    if newcomer.email is not None:
        wanted.emails.add(name_key(newcomer.email))
    wanted.new_ids["users"] += 1
    wanted.new_ids["transfers"] += bool(command.coins)


def register(command: Register, page: Page, policy: Policy) -> Registered:
    """A user, and the coins that they say they have put in, as far as buyers are believed here."""
    newcomer = command.newcomer
    row = _row(newcomer, next(page.new_ids["users"]), page.now_us)
    if row.username_key in page.usernames:
        raise NameTaken(name=newcomer.username)
    if newcomer.email is not None and row.email_key in page.emails:
        raise EmailTaken(email=newcomer.email)
    transfer_id, amount_cents = None, 0
    if command.coins:
        coins = Deposit(command.caller, wallet_of(row.id), command.coins, command.machine_id)
        deposited = wallet.deposit(coins, Actor(row.id, newcomer.roles), page, policy)
        transfer_id, amount_cents = deposited.transfer_id, deposited.amount_cents
    page.usernames.add(row.username_key)
    if row.email_key is not None:
        page.emails.add(row.email_key)
    page.changes.users.append(row)
    return Registered(row.id, transfer_id, amount_cents, page.now_us)


def _row(newcomer: Newcomer, user_id: int, now_us: int) -> UserRow:
    return UserRow(
        id=user_id,
        username=newcomer.username,
        username_key=name_key(newcomer.username),
        email=newcomer.email,
        email_key=None if newcomer.email is None else name_key(newcomer.email),
        password_hash=newcomer.password_hash,
        state=newcomer.state.value,
        is_buyer=Role.BUYER in newcomer.roles,
        is_seller=Role.SELLER in newcomer.roles,
        is_cashier=Role.CASHIER in newcomer.roles,
        is_admin=Role.ADMIN in newcomer.roles,
        created_us=now_us,
    )
