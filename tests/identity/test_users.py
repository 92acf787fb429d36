"""People, as the operator handles them; tests/api/test_users.py has what they do themselves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tuckshop.context import Shop
from tuckshop.domain.refusals import (
    BadCredentials,
    EmailTaken,
    InvalidField,
    LastAdmin,
    NameTaken,
    UnknownUser,
)
from tuckshop.domain.users import Role, UserState
from tuckshop.identity import registration, sessions, users
from tuckshop.identity import roles as user_roles
from tuckshop.identity.users import User
from tuckshop.queries import admin_log
from tuckshop.queries import users as user_queries
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.users import CloseUser

PASSWORD = "correct horse"


async def made(shop: Shop, name: str, *roles: Role, email: str | None = None) -> User:
    return await registration.add(
        shop, username=name, email=email, password=PASSWORD, roles=roles or (Role.BUYER,)
    )


async def test_one_of_ten_who_want_a_name_at_once_gets_it(open_for_business: Shop) -> None:
    shop = open_for_business
    tries = [
        registration.register(shop, username=name, email=None, password=PASSWORD, roles=[Role.BUYER])
        for name in ("ada", "Ada", "ADA", "aDa") * 2
    ]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, User) for answer in answers) == 1
    assert sum(isinstance(answer, NameTaken) for answer in answers) == 7


async def test_one_of_some_who_want_an_address_at_once_gets_it(open_for_business: Shop) -> None:
    shop = open_for_business
    tries = [
        registration.register(
            shop, username=f"u{n}", email="X@example.org", password=PASSWORD, roles=[Role.BUYER]
        )
        for n in range(5)
    ]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, User) for answer in answers) == 1
    assert sum(isinstance(answer, EmailTaken) for answer in answers) == 4


async def test_demo_data_alone_may_have_common_passwords(open_for_business: Shop) -> None:
    shop = open_for_business
    with pytest.raises(InvalidField):
        await registration.add(shop, username="ada", email=None, password="password", roles=[Role.BUYER])
    await registration.add(
        shop, username="ada", email=None, password="password", roles=[Role.BUYER], any_password=True
    )
    assert (await sessions.log_in(shop, username="ada", password="password")).active_sessions == 0


async def test_are_found_by_name_however_written(open_for_business: Shop) -> None:
    shop = open_for_business
    ada = await made(shop, "Ada")
    assert await users.find_by_name(shop, username="aDA") == ada
    assert await users.find(shop, user_id=ada.id) == ada
    with pytest.raises(UnknownUser):
        await users.find_by_name(shop, username="bob")
    with pytest.raises(UnknownUser):
        await users.find(shop, user_id=999)


async def test_are_listed_page_by_page(open_for_business: Shop) -> None:
    shop = open_for_business
    people = [await made(shop, name) for name in ("ada", "bob", "cyd")]
    assert await user_queries.oldest_first(shop, limit=2) == people[:2]
    assert await user_queries.oldest_first(shop, after_id=people[1].id, limit=2) == people[2:]


async def test_a_reset_password_ends_the_sessions(open_for_business: Shop) -> None:
    shop = open_for_business
    await made(shop, "ada")
    before = await sessions.log_in(shop, username="ada", password=PASSWORD)
    password = await users.reset_password(shop, username="ADA")
    with pytest.raises(BadCredentials):
        await sessions.log_in(shop, username="ada", password=PASSWORD)
    assert (await sessions.log_in(shop, username="ada", password=password)).active_sessions == 0
    assert before.refresh


async def test_a_role_named_twice_is_refused(open_for_business: Shop) -> None:
    shop = open_for_business
    for roles in ([Role.BUYER, Role.BUYER], [Role.SELLER, Role.BUYER, Role.SELLER]):
        for into in (registration.register, registration.add):
            with pytest.raises(InvalidField):
                await into(shop, username="ada", email=None, password=PASSWORD, roles=roles)
        with pytest.raises(InvalidField):
            await user_roles.change(shop, user_id=1, roles=roles)
    assert await user_queries.count(shop) == 0


class TestStanding:
    async def test_changes_roles_and_state(self, open_for_business: Shop) -> None:
        shop = open_for_business
        sam = await made(shop, "sam")
        user = await user_roles.change(shop, user_id=sam.id, roles=[Role.BUYER, Role.SELLER])
        assert set(user.roles) == {Role.BUYER, Role.SELLER}
        user = await user_roles.change(shop, user_id=sam.id, state=UserState.DISABLED)
        assert user.state is UserState.DISABLED
        with pytest.raises(BadCredentials):
            await sessions.log_in(shop, username="sam", password=PASSWORD)

    async def test_has_a_role_and_is_not_closed_in_passing(self, open_for_business: Shop) -> None:
        shop = open_for_business
        sam = await made(shop, "sam")
        with pytest.raises(InvalidField):
            await user_roles.change(shop, user_id=sam.id, roles=[])
        with pytest.raises(InvalidField):
            await user_roles.change(shop, user_id=sam.id, state=UserState.CLOSED)

    async def test_leaves_an_admin(self, open_for_business: Shop) -> None:
        shop = open_for_business
        root = await made(shop, "root", Role.ADMIN)
        for change in ({"roles": [Role.BUYER]}, {"state": UserState.DISABLED}):
            with pytest.raises(LastAdmin):
                await user_roles.change(shop, user_id=root.id, **change)
        assert (await users.find_by_name(shop, username="root")).roles == (Role.ADMIN,)

    async def test_leaves_an_admin_when_two_strike_each_other_off(self, open_for_business: Shop) -> None:
        shop = open_for_business
        people = [await made(shop, name, Role.ADMIN) for name in ("root", "boss")]
        for _ in range(3):
            for user in people:
                await user_roles.change(shop, user_id=user.id, roles=[Role.ADMIN])
            answers = await asyncio.gather(
                *(user_roles.change(shop, user_id=user.id, roles=[Role.BUYER]) for user in people),
                return_exceptions=True,
            )
            assert sum(isinstance(answer, LastAdmin) for answer in answers) == 1


async def test_a_reset_is_not_undone_by_a_change_that_began_before_it(
    open_for_business: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_for_business
    ada = await made(shop, "ada")
    real = shop.passwords.fits
    new = ""

    async def fits(password: str, kept: str | None) -> bool:
        nonlocal new
        answer = await real(password, kept)
        monkeypatch.undo()
        new = await users.reset_password(shop, username="ada")  # While the thief's change is on its way.
        return answer

    monkeypatch.setattr(shop.passwords, "fits", fits)
    with pytest.raises(BadCredentials):
        await users.change(shop, user_id=ada.id, password="the thief's own", current_password=PASSWORD)
    assert (await sessions.log_in(shop, username="ada", password=new)).user.id == ada.id


async def test_names_that_nobody_can_have_are_nobodys(open_for_business: Shop) -> None:
    await made(open_for_business, "ada")
    for name in ("", "\0", "a\0da", "ada ", "a/b", "\ud800", "house", "x" * 10_000):
        with pytest.raises(UnknownUser):
            await users.find_by_name(open_for_business, username=name)


async def test_what_an_admin_changes_of_somebody_is_in_the_log(open_for_business: Shop) -> None:
    shop = open_for_business
    ada, root = await made(shop, "ada"), await made(shop, "root", Role.ADMIN)
    change: dict[str, Any] = {"email": "ada@example.org"}
    await users.change(shop, user_id=ada.id, actor_id=ada.id, **change)
    await users.change(shop, user_id=ada.id, actor_id=root.id, username="lady", **change)
    (entry,) = [
        one for one in await admin_log.page(shop, before_id=None, limit=10) if one.actor_id == root.id
    ]
    assert (entry.action, entry.subject) == ("user.change", f"user:{ada.id}")
    assert entry.before == {"username": "ada", "email": "ada@example.org"}
    assert entry.after == {"username": "lady", "email": "ada@example.org", "new_password": False}
    await shop.till.execute(Envelope(CloseUser(OPERATOR, ada.id)))
    with pytest.raises(UnknownUser):
        await users.change(shop, user_id=ada.id, actor_id=root.id, **change)
