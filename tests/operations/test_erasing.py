"""What tells who somebody was is gone with the closing: of the user, their log-ins, and in the admin log."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import LargeBinary, Text

from tests.operations.test_retention import running
from tests.shop import Shop
from tests.till.registering import register
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.refusals import SessionEnded
from tuckshop.domain.users import Role
from tuckshop.identity.access_tokens import Tokens
from tuckshop.identity.closed_users import KEPT_DAYS, address_hash
from tuckshop.operations import erasing
from tuckshop.store import tables
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.transfers import SendMoney
from tuckshop.till.commands.users import CloseUser, Registered

NAME, ADDRESS = "wilhelmina", "wilhelmina@example.org"
SECRETS = ("wilhelmina", "the password hash", "203.0.113.7", "Firefox", "totp secret", "my script")
KEPT = {"idempotency"}  # Thirty days: see docs/privacy.md.


def with_tokens(shop: Shop, secret: bytes = b"s" * 32) -> RunningShop:
    given = running(shop)
    tokens = Tokens(secret=secret, clock=shop.clock)
    return cast(RunningShop, SimpleNamespace(engine=given.engine, clock=given.clock, tokens=tokens))


async def traces(shop: Shop) -> dict[str, list[Any]]:
    """Whatever still tells who it was, by table."""
    found: dict[str, list[Any]] = {}
    for table in tables.metadata.tables.values():
        columns = [one.name for one in table.c if isinstance(one.type, Text | LargeBinary)]
        if not columns or table.name in KEPT:
            continue
        for row in await shop.rows(table.name):
            for column in columns:
                told = row[column]
                told = bytes(told).decode("latin-1") if isinstance(told, bytes | memoryview) else told
                if told is not None and any(one.casefold() in told.casefold() for one in SECRETS):
                    found.setdefault(table.name, []).append((column, told))
    return found


async def somebody(shop: Shop) -> SessionCaller:
    """A user with all that a shop may know of one."""
    made = await shop.do(register(NAME, ADDRESS))
    assert isinstance(made, Registered)
    user_id = made.user_id
    await shop.execute(
        "UPDATE users SET password_hash = 'the password hash', second_factor_us = 1 WHERE id = :id",
        id=user_id,
    )
    await shop.execute("INSERT INTO second_factors VALUES (:id, 'totp secret', 1)", id=user_id)
    await shop.execute("INSERT INTO recovery_codes VALUES (:id, :hash, NULL)", id=user_id, hash=b"r" * 32)
    for ended, scopes in ((1, None), (None, None), (None, "read")):
        await shop.execute(
            "INSERT INTO sessions"
            " (user_id, generation, device, address, created_us, expires_us, ended_us, scopes) VALUES"
            " (:id, 1, 'Firefox on Linux', '203.0.113.7', 1, :until, :ended, :scopes)",
            id=user_id,
            until=shop.clock.now_us + 10**15,
            ended=ended,
            scopes=scopes,
        )
    *_, session, token = [row["id"] for row in await shop.rows("sessions")]
    await shop.execute("INSERT INTO api_tokens VALUES (:id, 'my script', :hash)", id=token, hash=b"t" * 32)
    for action, subject, before, after in (
        (
            "user.change",
            f"user:{user_id}",
            f'{{"username":"{NAME}","email":null}}',
            f'{{"email":"{ADDRESS}"}}',
        ),
        ("user.standing", f"user:{user_id}", f'{{"username":"{NAME}","state":"active"}}', f'["{NAME}"]'),
        ("token.add", f"token:{token}", None, '{"name":"my script","days":30}'),
        ("wallet.topup", f"user:{user_id}", '{"balance_cents":0}', '{"balance_cents":5}'),
    ):
        await shop.execute(
            "INSERT INTO admin_log (action, subject, before, after, created_us, version)"
            " VALUES (:action, :subject, :before, :after, 1, 1)",
            action=action,
            subject=subject,
            before=before,
            after=after,
        )
    return SessionCaller(session, user_id)


async def test_nothing_tells_who_it_was(shop: Shop) -> None:
    await shop.person("root", Role.ADMIN)
    caller = await somebody(shop)
    assert {"users", "sessions", "api_tokens", "second_factors", "admin_log"} <= (await traces(shop)).keys()

    await shop.do(CloseUser(caller, caller.user_id))
    assert (await traces(shop)).keys() == {"admin_log"}  # With the act itself.
    assert await erasing.erase_closed(with_tokens(shop)) == 1
    assert await traces(shop) == {}
    assert await erasing.erase_closed(with_tokens(shop)) == 0

    row = next(row for row in await shop.rows("users") if row["id"] == caller.user_id)
    name = f"closed user {caller.user_id}"
    assert (row["username"], row["username_key"], row["email"], row["email_key"]) == (name, name, None, None)
    assert (row["password_hash"], row["second_factor_us"]) == ("", None)
    assert [one["ended_us"] for one in await shop.rows("sessions") if one["user_id"] == caller.user_id] == [
        1,
        shop.clock.now_us,
        shop.clock.now_us,
    ]
    assert [(one["before"], one["after"]) for one in await shop.rows("admin_log")] == [
        (f'{{"username":"{name}","email":null}}', '{"email":null}'),
        (f'{{"username":"{name}","state":"active"}}', None),  # What cannot be read is left out.
        (None, f'{{"name":"{name}","days":30}}'),
        ('{"balance_cents":0}', '{"balance_cents":5}'),
    ]
    await shop.assert_clean()


async def test_another_may_have_name_and_address_and_inherits_nothing(shop: Shop) -> None:
    await shop.person("root", Role.ADMIN)
    old = await somebody(shop)
    answers = await shop.do(CloseUser(OPERATOR, old.user_id)), await shop.do(register(NAME, ADDRESS))
    assert isinstance(answers[1], Registered)
    await erasing.erase_closed(with_tokens(shop))
    new = next(row for row in await shop.rows("users") if row["id"] == answers[1].user_id)
    assert (new["username"], new["email"], new["password_hash"]) == (NAME, ADDRESS, "no hash")
    assert [row["user_id"] for row in await shop.rows("user_skeletons")] == [new["id"]]
    assert not [row for row in await shop.rows("sessions") if row["user_id"] == new["id"]]
    assert await shop.rows("second_factors") == await shop.rows("recovery_codes") == []
    with pytest.raises(SessionEnded):
        await shop.do(SendMoney(old, wallet_of(new["id"]), wallet_of(old.user_id), 1))
    await shop.assert_clean()


async def test_whom_an_earlier_release_has_closed_is_erased_too(shop: Shop) -> None:
    caller = await somebody(shop)
    await shop.execute("UPDATE users SET state = 'closed', closed_us = :now", now=shop.clock.now_us)
    given = with_tokens(shop)
    assert await erasing.erase_closed(given) == 1
    assert await traces(shop) == {}
    (row,) = await shop.rows("users")
    assert bytes(row["email_hash"]) == address_hash(given.tokens, ADDRESS)
    assert row["erased_us"] == shop.clock.now_us
    assert await shop.rows("api_tokens") == []
    assert [one["device"] for one in await shop.rows("sessions")] == [None] * 3
    assert caller.user_id == row["id"]


async def test_many_are_erased_in_portions(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "CHUNK", 2)
    for number in range(5):
        await shop.person(f"buyer {number}", Role.BUYER)
        await shop.execute(
            "INSERT INTO admin_log (action, subject, before, created_us, version)"
            " SELECT 'user.add', 'user:' || max(id), :before, 1, 1 FROM users",
            before=f'{{"username":"buyer {number}"}}',
        )
    await shop.execute("UPDATE users SET state = 'closed', closed_us = 1 WHERE username <> 'buyer 4'")
    assert await erasing.erase_closed(with_tokens(shop)) == 4
    assert [row["username"] for row in await shop.rows("users")][-1] == "buyer 4"
    log = [row["before"] for row in await shop.rows("admin_log")]
    assert ["closed user" in one for one in log] == [True] * 4 + [False]


async def test_the_hash_of_the_address_is_kept_for_a_year(shop: Shop) -> None:
    given = with_tokens(shop)
    await somebody(shop)
    await shop.execute("UPDATE users SET state = 'closed', closed_us = :now", now=shop.clock.now_us)
    await erasing.erase_closed(given)
    shop.clock.forward(KEPT_DAYS * DAY_SECONDS)
    assert await erasing.forget_addresses(given) == 0
    shop.clock.forward(1e-6)
    assert await erasing.forget_addresses(given) == 1
    (row,) = await shop.rows("users")
    assert row["email_hash"] is None
    assert await erasing.forget_addresses(given) == 0


def test_without_the_secret_nobody_makes_the_hash() -> None:
    ours, theirs = (Tokens(secret=secret * 32, clock=lambda: 0) for secret in (b"a", b"b"))
    assert address_hash(ours, ADDRESS) != address_hash(theirs, ADDRESS)
    assert address_hash(ours, ADDRESS) != ours.seal(ADDRESS.encode())  # What else is sealed does not tell.
