"""Every page of the shop, by its route, and a shop in which each of them has something to show.

What walks over all pages takes them from here, so that a new page is walked over too, or the walk fails.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

from PIL import Image
from sqlalchemy import insert, update

from tests.shop import Shop
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.orders import Payment
from tuckshop.domain.users import Role
from tuckshop.identity.passwords import Passwords
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import writing
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.machines import FillCoins, SetShelves
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.transfers import PaySeller, SendMoney, TopUp
from tuckshop.till.commands.users import CloseUser
from tuckshop.till.commands.wallet import Deposit
from tuckshop.web import routes as serving

PASSWORD = "correct horse"
"""Of the machine 2."""

EARLIER_SECONDS = 3_600

FOR_NOBODY = ("/login", "/register", "/register/waiting")
"""Pages for who is not logged in."""
FIRST = "/office/first"
"""The page of a shop that has no admin yet."""
LEAVING = "/kiosk/leave"
"""What a machine's own screen loads by itself; it leads elsewhere, and is no page."""
SIGN_ON = frozenset(("/login/oidc", "/login/oidc/callback"))
"""What leads to a provider and back, where one is set: tests/sign_on asks."""
COUNT = "/office/machines/{machine}/coins/count"
"""A page that needs to be told what was counted."""
FILES = frozenset(
    f"/{one}"
    for one in (
        "account/profile/file",
        "account/statement/file",
        "desk/earnings/file",
        "desk/file/save",
        "desk/sales/file",
        "office/orders/file",
        "office/payouts/file",
        "office/sales/file",
        "office/users/file",
    )
)
"""What browsers save rather than show."""
MORE = (
    "/m/{machine}?pick={bare}&change=return",
    "/account/orders/{placed}",
    "/desk/orders/{placed}",
    "/office/orders/{placed}",
    "/office/users/{waiting}",
    "/office/users/{waiting}/selling",
    "/office/users?search={word}",
    "/office/products/{bare}",
    "/office/machines/{machine}/shelves/{bare}",
    "/office/counter?name={word}%20ada",
    COUNT + "?coin-100=1&coin-50=4&coin-20=9&coin-10=0&coin-5=0",
)
"""Other addresses of the same pages, which show other things."""


@cache
def routes(method: str) -> frozenset[str]:
    """The paths of all that answers to this method, as `/m/{machine}`, but for static files."""
    return frozenset(
        route.path
        for route in serving.app().routes
        if route.method == method and not route.path.startswith("/static/")
    )


def route_of(path: str, method: str) -> str:
    """The route that answers at this address."""
    bare = path.partition("?")[0]
    fits = [one for one in routes(method) if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), bare)]
    return min(fits, key=lambda one: one.count("{"), default=bare)


def addresses(furnished: Mapping[str, str]) -> list[str]:
    """Where to look: all pages but those of nobody and of an empty shop, and no files."""
    known = routes("GET") - {*FOR_NOBODY, FIRST, LEAVING, COUNT} - FILES - SIGN_ON
    return [one.format(**furnished) for one in (*sorted(known), *MORE)]


async def furnish(shop: Shop, *, word: str = "apple") -> dict[str, str]:
    """Something of everything, with `word` in every name and text.

    Answers with what may stand for the parts of addresses, and with the name of the `boss`, who has every
    role and something of everything.
    """
    shop.clock.forward(-EARLIER_SECONDS)
    boss = await shop.person(f"{word} boss", *Role)
    ada = await shop.buyer(f"{word} ada", cents=2_000)
    eve = await shop.person(f"{word} eve", Role.SELLER)
    leaver = await shop.buyer(f"{word} leaver", cents=500)
    assert None not in (boss.user_id, ada.user_id, eve.user_id, leaver.user_id)
    await _let_in(shop, boss.user_id)
    await shop.execute("UPDATE users SET tab_limit_cents = 10000 WHERE is_buyer")
    await shop.execute("UPDATE users SET state = 'pending' WHERE id = :id", id=eve.user_id)
    await shop.do(CloseUser(leaver, leaver.user_id))
    await shop.do(Deposit(OPERATOR, await shop.guest(f"{word} guest"), {100: 3}))
    hall = await _machine(shop, word)
    pie = (await shop.product(f"{word} pie", stock=30, seller=boss)).product_id
    juice = (await shop.product(f"{word} juice", stock=2, machine_id=hall)).product_id
    await shop.do(SetShelves(OPERATOR, hall, (ShelfPlan(pie, word[:10], 12, 8, 170),)))
    await shop.do(SetShelves(OPERATOR, 1, (ShelfPlan(pie, word[:10], 40, 35, None),)))
    topped_up: Any = await shop.do(TopUp(OPERATOR, wallet_of(boss.user_id), 5_000, word, word))
    await shop.do(SendMoney(ada, wallet_of(ada.user_id), wallet_of(boss.user_id), 100, word))
    await shop.buy(ada, (pie, 2))
    shop.clock.forward(EARLIER_SECONDS)  # What was sold an hour ago can be paid out by now.
    partly = await shop.buy(boss, (pie, 3), client_ref=word)
    await shop.buy(boss, (juice, 1), machine_id=hall)
    await shop.do(Refund(OPERATOR, partly.order_id, {pie: 1}, word))
    placed = [(await shop.buy(one, (pie, 1), payment=Payment.TAB)).order_id for one in (ada, boss)]
    await _besides(shop, boss.user_id, pie, word)
    async with writing(shop.engine) as connection:
        asked = {"order_id": partly.order_id, "seller_id": boss.user_id, "amount_cents": 50, "reason": word}
        later = {"created_us": shop.clock() + 1_000_000}  # Than what was refunded of it.
        await connection.execute(insert(tables.refund_requests).values(**asked, **later))
    await shop.do(PaySeller(OPERATOR, boss.user_id, f"{word} 2", reason=word))
    told = {
        "machine": hall, "product": pie, "bare": juice, "order": partly.order_id, "placed": placed[1],
        "seller": boss.user_id, "user": ada.user_id, "waiting": eve.user_id, "boss": f"{word} boss",
        "word": quote(word), "transfer": topped_up.transfer_id,
    }  # fmt: skip
    return {name: str(value) for name, value in told.items()}


async def _let_in(shop: Shop, user_id: int) -> None:
    """Gives somebody the password."""
    passwords = Passwords()
    kept = await passwords.hash(PASSWORD)
    passwords.close()
    await shop.execute("UPDATE users SET password_hash = :kept WHERE id = :id", kept=kept, id=user_id)


async def _besides(shop: Shop, user_id: int, product_id: int, word: str) -> None:
    """What no command makes: an API token, another device's session, a picture, a line in the log."""
    ends_us = shop.clock() + EARLIER_SECONDS * 1_000_000
    async with writing(shop.engine) as connection:
        session = {"user_id": user_id, "generation": 1, "created_us": shop.clock(), "expires_us": ends_us}
        await connection.execute(insert(tables.sessions).values(**session, device=word, address="127.0.0.1"))
        of_token = insert(tables.sessions).values(**session, scopes="read").returning(tables.sessions.c.id)
        token = {"session_id": await connection.scalar(of_token), "name": word, "secret_hash": b"h" * 32}
        await connection.execute(insert(tables.api_tokens).values(**token))
        file = io.BytesIO()
        Image.new("RGB", (40, 40), "red").save(file, "PNG")
        picture = {"media_type": "image/png", "content": file.getvalue(), "created_us": shop.clock()}
        image_id = await connection.scalar(
            insert(tables.images).values(**picture).returning(tables.images.c.id)
        )
        await connection.execute(
            update(tables.products).values(image_id=image_id).where(tables.products.c.id == product_id)
        )
        await admin_log.record(
            connection, action="user.change", subject=f"user:{user_id}", actor_id=user_id,
            before={"username": word}, after={word: [word]}, now_us=shop.clock(),
        )  # fmt: skip


async def _machine(shop: Shop, word: str) -> int:
    """One with a key and some coins; the first one is named, too."""
    await shop.execute("UPDATE machines SET name = :name, name_key = :name WHERE id = 1", name=f"{word} yard")
    made = await shop.machine(f"{word} hall")
    await shop.machine_key(made)
    await shop.draw_coins(made)
    await shop.pairing_code(made)
    await shop.execute("UPDATE screens SET paired_us = created_us")
    await shop.do(FillCoins(OPERATOR, made, {50: 4, 20: 10}, word))
    return made
