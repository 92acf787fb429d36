"""Writing off what guests left behind."""

from __future__ import annotations

from tuckshop.context import Shop
from tuckshop.domain.refusals import WalletTouched
from tuckshop.domain.users import Role
from tuckshop.identity import guests, sessions
from tuckshop.queries import guests as guest_queries
from tuckshop.store import admin_log
from tuckshop.store.engine import writing
from tuckshop.till.callers import SessionCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.transfers import CloseWallet, WalletClosed


async def write_off(shop: Shop, *, caller: SessionCaller, days: int) -> list[WalletClosed]:
    """Money that guests left behind so long ago, to nobody; a wallet that is used meanwhile stays.

    Raises:
        SessionEnded, RoleMissing: admins only.
    """
    actor = await sessions.actor(shop, caller=caller)
    actor.require(Role.ADMIN)
    closed: list[WalletClosed] = []
    after_id = 0
    while found := await guest_queries.unclaimed(shop, actor=actor, days=days, after_id=after_id):
        after_id = found[-1].guest_id
        for one in found:
            command = CloseWallet(
                caller, guests.wallet_of(one.guest_id), "left behind", balance_cents=one.balance_cents
            )
            try:
                receipt = (await shop.till.execute(Envelope(command))).receipt()
            except WalletTouched:
                continue
            assert isinstance(receipt, WalletClosed)
            closed.append(receipt)
    async with writing(shop.engine) as connection:
        # Each wallet has a line of its own; this one says who asked, though there was none.
        await admin_log.record(
            connection,
            action="guests.sweep",
            subject="shop",
            after={
                "days": days,
                "wallets": len(closed),
                "amount_cents": sum(one.amount_cents for one in closed),
            },
            actor_id=actor.user_id,
            now_us=shop.clock(),
        )
    return closed
