"""Registering through the till: a user and the coins they bring, in one stroke or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.shop import Shop, open_books, open_shop
from tests.till.reading import balances, coin_box, post, refuse
from tests.till.registering import first_admin, register
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.refusals import (
    CoinNotAccepted,
    CoinsCapReached,
    CoinsNotAttested,
    EmailTaken,
    KeyReused,
    NameTaken,
    Refusal,
    RegistrationClosed,
    RoleMissing,
    UnknownMachine,
)
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.callers import SessionCaller
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.commands.users import Register, Registered
from tuckshop.till.commands.wallet import Deposit
from tuckshop.till.engine.queue import Till

ROUNDS = 20


@pytest.fixture
async def open_hearted(database_url: str) -> AsyncIterator[Shop]:
    """A shop that believes its buyers."""
    async with open_shop(database_url, coins=CoinsPolicy.SELF) as shop:
        yield shop


async def test_a_user_and_the_money_are_there_together(open_hearted: Shop) -> None:
    shop = open_hearted
    posted = await post(shop, register("Ada", "Ada@example.org", coins={100: 1, 5: 2}))
    (user,) = await shop.rows("users")
    assert user == {
        **user,
        "username": "Ada",
        "username_key": "ada",
        "email": "Ada@example.org",
        "email_key": "ada@example.org",
        "password_hash": "no hash",
        "state": "active",
        "is_buyer": True,
        "is_seller": False,
        "is_cashier": False,
        "is_admin": False,
        "tab_limit_cents": None,
        "tab_approved": False,
        "created_us": shop.clock.now_us,
        "closed_us": None,
    }
    (transfer,) = await shop.rows("transfers")
    assert posted.receipt == Registered(user["id"], transfer["id"], 110, shop.clock.now_us)
    assert posted.transfers == [("deposit", "coin box", "Ada's wallet", 110)]
    assert transfer["actor_id"] == user["id"]
    assert await coin_box(shop) == {100: 1, 5: 2}
    await shop.assert_clean()


async def test_without_coins_there_is_a_user_and_nothing_else(shop: Shop) -> None:
    receipt = await shop.do(register("ada"), key="k")
    (user,) = await shop.rows("users")
    assert receipt == Registered(user["id"], None, 0, shop.clock.now_us)
    assert await shop.rows("accounts") == []
    await shop.assert_clean()


async def test_ids_go_on_where_others_have_written(open_hearted: Shop) -> None:
    shop = open_hearted
    await shop.person("before", Role.BUYER)
    await shop.do(register("ada", coins={5: 1}))
    await shop.person("between", Role.BUYER)
    await asyncio.gather(*(shop.do(register(f"user {n}")) for n in range(5)))
    await shop.person("after", Role.BUYER)
    users = await shop.rows("users")
    assert len(users) == 9
    assert [one["username"] for one in users][:3] == ["before", "ada", "between"]
    assert users[-1]["username"] == "after"
    await shop.assert_clean()


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (register("ADA", "other@example.org"), NameTaken("ADA")),
        (register("bob", "ADA@example.org", coins={5: 1}), EmailTaken("ADA@example.org")),
        (register("ada", "ada@example.org", coins={7: 1}), NameTaken("ada")),
        (register("bob", coins={7: 1}), CoinNotAccepted(7, (5, 10, 20, 50, 100))),
        (register("bob", coins={5: 1}, machine_id=9), UnknownMachine(9)),
        (register("bob", role=Role.SELLER, coins={5: 1}), RoleMissing(("buyer",))),
        (register("bob", coins={100: 201}), CoinsCapReached(20_000, 20_000)),
    ],
)
async def test_refused_whole(open_hearted: Shop, command: Register, refusal: Refusal) -> None:
    await open_hearted.do(register("ada", "ada@example.org"))
    await refuse(open_hearted, command, refusal)


async def test_coins_need_a_witness_where_the_shop_wants_one(shop: Shop) -> None:
    await refuse(shop, register("ada", coins={5: 1}), CoinsNotAttested())


async def test_the_coins_count_towards_the_days_cap(open_hearted: Shop) -> None:
    shop = open_hearted
    registered = await shop.do(register("ada", coins={100: 199}))
    assert isinstance(registered, Registered)
    # As if logged in: the session's row is all that a log-in makes.
    await shop.execute(
        "INSERT INTO sessions (id, user_id, generation, created_us, expires_us)"
        " VALUES (77, :user_id, 1, 1, :end)",
        user_id=registered.user_id,
        end=shop.clock.now_us * 2,
    )
    ada = SessionCaller(77, registered.user_id)
    await refuse(shop, Deposit(ada, wallet_of(registered.user_id), {50: 3}), CoinsCapReached(20_000, 100))
    await shop.do(Deposit(ada, wallet_of(registered.user_id), {100: 1}))
    assert (await balances(shop))["ada's wallet"] == 20_000


async def test_a_key_makes_one_user(open_hearted: Shop) -> None:
    shop, command = open_hearted, register("ada", coins={50: 1})
    first = await shop.till.execute(Envelope(command, "k", b"1"))
    assert await shop.till.execute(Envelope(command, "k", b"1")) == Outcome(first.answer, replayed=True)
    assert (await shop.till.execute(Envelope(command, "k", b"2"))).answer == KeyReused("k")
    # Somebody else's key, whatever it says.
    other = await shop.till.execute(Envelope(register("bob"), "k", b"1"))
    assert isinstance(other.answer, Registered)
    assert not other.replayed
    assert len(await shop.rows("users")) == 2
    await shop.assert_clean()


async def test_a_batch_sees_the_names_that_it_takes(open_hearted: Shop) -> None:
    shop = open_hearted
    commands = [register(name, "one@example.org", coins={5: 1}) for name in ("ada", "ADA", "bob")]
    batches = shop.till.tally.batches
    outcomes = await asyncio.gather(*(shop.till.execute(Envelope(one)) for one in commands))
    assert [type(outcome.answer) for outcome in outcomes] == [Registered, NameTaken, EmailTaken]
    assert shop.till.tally.batches == batches + 1  # Nor did the database have to say so.
    assert await balances(shop) == {"ada's wallet": 5, "coin box": -5}


async def test_of_two_tills_one_makes_the_user(open_hearted: Shop) -> None:
    shop = open_hearted
    async with Till(books=open_books(shop.url, shop.clock), policy=shop.till.policy) as other:
        for number in range(ROUNDS):
            envelope = Envelope(register(f"user {number}", f"{number}@example.org", coins={5: 1}))
            outcomes = await asyncio.gather(shop.till.execute(envelope), other.execute(envelope))
            assert {type(one.answer) for one in outcomes} == {Registered, NameTaken}
    assert len(await shop.rows("users")) == ROUNDS
    await shop.assert_clean()


async def test_of_several_in_a_batch_one_is_the_first_admin(shop: Shop) -> None:
    envelopes = [Envelope(first_admin(name)) for name in ("ada", "bob")]
    outcomes = await asyncio.gather(*(shop.till.execute(one) for one in envelopes))
    assert [type(outcome.answer) for outcome in outcomes] == [Registered, RegistrationClosed]
    await refuse(shop, first_admin("ada"), RegistrationClosed("admin"))  # Not that the name is taken.
    # Closed, they have been there all the same.
    await shop.execute("UPDATE users SET state = 'closed', closed_us = created_us")
    await refuse(shop, first_admin("cas"), RegistrationClosed("admin"))


async def test_others_register_beside_the_first_admin(shop: Shop) -> None:
    envelopes = [Envelope(one) for one in (first_admin("ada"), register("bob"), register("cas"))]
    for outcome in await shop.till.execute_together(envelopes):
        assert isinstance(outcome.receipt(), Registered)


async def test_of_two_tills_one_makes_the_first_admin(shop: Shop) -> None:
    async with Till(books=open_books(shop.url, shop.clock), policy=shop.till.policy) as other:
        for _ in range(ROUNDS):
            outcomes = await asyncio.gather(
                shop.till.execute(Envelope(first_admin("ada"))), other.execute(Envelope(first_admin("bob")))
            )
            assert {type(one.answer) for one in outcomes} == {Registered, RegistrationClosed}
            await shop.execute("DELETE FROM user_skeletons")
            await shop.execute("DELETE FROM users")


async def test_a_newcomer_may_do_nothing_else(shop: Shop) -> None:
    ada = await shop.buyer("ada")
    nobody = register("ada").caller
    deposit = Deposit(nobody, wallet_of(ada.user_id), {5: 1})
    await refuse(shop, deposit, RoleMissing(("cashier", "admin")))
