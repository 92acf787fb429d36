"""Closing a user, decided on the page.

Each function raises the refusals of its rules, and then has left the page as it was.
"""

from __future__ import annotations

from tuckshop.domain import transfers
from tuckshop.domain.ledger import earnings_of, tab_of, wallet_of
from tuckshop.domain.refusals import LastAdmin, StillHoldsValue, UnknownUser
from tuckshop.domain.users import Actor, Role, UserState, name_key
from tuckshop.till.commands import products as catalogue
from tuckshop.till.commands.base import CloseUser, UserClosed
from tuckshop.till.state.posting import post
from tuckshop.till.state.working_set import Page, Wanted


def wants(command: CloseUser, wanted: Wanted) -> None:
    """Adds to `wanted` what the command needs to know."""
    wanted.closing.add(command.user_id)
    wanted.wallets.add(wallet_of(command.user_id))
    wanted.tabs.add(command.user_id)
    wanted.new_ids["transfers"] += 1


def close(command: CloseUser, actor: Actor, page: Page) -> UserClosed:
    """By the user, or by an admin."""
    user_id = command.user_id
    if user_id != actor.user_id:
        actor.require(Role.ADMIN)
    standing = page.standings.get(user_id)
    if standing is None or standing.state is UserState.CLOSED:
        raise UnknownUser(user=user_id)
    _require_settled(page, user_id)
    if Role.ADMIN in standing.roles and not any(
        one.state is UserState.ACTIVE and Role.ADMIN in one.roles
        for other_id, one in page.standings.items()
        if other_id != user_id
    ):
        raise LastAdmin

    wallet, tab = wallet_of(user_id), tab_of(user_id)
    rest = transfers.close(wallet=wallet, balance_cents=page.balances.get(wallet, 0))
    if rest is not None:
        post(page, rest, actor, machine_id=None)
    # Made even if there never was any: whoever is about to make one must run into this and look again.
    for ref in (wallet, tab):
        page.balances.setdefault(ref, 0)
        page.changes.balances.add(ref)
    for product in [one for one in page.products.values() if one.seller_id == user_id and one.on_sale]:
        catalogue.take_off_sale(page, product, actor)
    page.standings[user_id] = standing._replace(state=UserState.CLOSED)
    page.usernames.discard(name_key(standing.username))
    if standing.email is not None:
        page.emails.discard(name_key(standing.email))
    page.users.discard(user_id)
    page.gone.add(user_id)
    page.buyers.discard(user_id)
    page.open_sellers.pop(user_id, None)
    page.earnings.pop(user_id, None)
    for session_id, session in page.sessions.items():
        if session.actor.user_id == user_id:
            page.sessions[session_id] = session._replace(ended=True)
    page.changes.closed.add(user_id)
    return UserClosed(user_id, 0 if rest is None else rest.amount_cents)


def _require_settled(page: Page, user_id: int) -> None:
    earnings = earnings_of(user_id)
    earned_cents = page.earned.get(user_id, 0) + page.changes.added_cents.get(earnings, 0)
    owed_cents = -page.balances.get(tab_of(user_id), 0)
    stock = sum(
        shelf.quantity
        for shelf in page.shelves.values()
        if (product := page.products.get(shelf.product_id)) is not None
        and product.on_sale
        and product.seller_id == user_id
    )
    if earned_cents or owed_cents or stock:
        raise StillHoldsValue(earned_cents=earned_cents, owed_cents=owed_cents, stock=stock)
