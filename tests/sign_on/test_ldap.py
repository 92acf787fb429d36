"""Log-ins by a directory, against Debian's slapd."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api, serving
from tests.sign_on.directories import BASE, GROUPS, PEOPLE, ROOT, ROOT_PASSWORD, LdapServer, serving_ldap
from tuckshop.domain.users import Role, UserState
from tuckshop.identity import registration, roles, users
from tuckshop.settings import Settings, SettingsInvalid
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.users import CloseUser

pytestmark = pytest.mark.more
PASSWORD = "correct horse"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[LdapServer]:
    """A directory with lin, and max, who is of the staff."""
    with serving_ldap(tmp_path) as server:
        yield server


@pytest.fixture
async def api(database_url: str, directory: LdapServer) -> AsyncIterator[Api]:
    """A shop that the directory lets users into, with an admin of its own."""
    given: dict[str, Any] = {
        "ldap_url": directory.url,
        "ldap_base": PEOPLE,
        "ldap_group_base": GROUPS,
        "sign_on_roles": "shop-staff=cashier,everybody=buyer",
    }
    async with serving(database_url, **given) as served:
        await registration.add(
            served.running, username="root", email=None, password=PASSWORD, roles=[Role.ADMIN]
        )
        yield served


async def log_in(api: Api, username: str, password: str) -> int:
    answer = await api.client.post("/v1/auth/login", json={"username": username, "password": password})
    return answer.status_code


async def roles_of(api: Api, username: str) -> set[str]:
    return {role.value for role in (await users.find_by_name(api.running, username=username)).roles}


async def test_somebody_of_the_directory_is_a_user_from_the_first_log_in(api: Api) -> None:
    assert await log_in(api, "lin", "lin's password") == 200
    assert await log_in(api, "LIN", "lin's password") == 200
    assert await roles_of(api, "lin") == {"buyer"}
    assert await log_in(api, "lin", "not lin's") == 401
    assert await log_in(api, "nobody", "lin's password") == 401
    (row,) = await api.shop.rows("external_identities")
    assert (row["issuer"], row["name"]) == (f"ldap:{PEOPLE}", "lin")
    assert len(await api.shop.rows("users")) == 2
    await api.shop.assert_clean()


async def test_roles_follow_the_groups_at_each_log_in_and_end_the_sessions_of_before(
    api: Api, directory: LdapServer
) -> None:
    logged_in = await api.client.post(
        "/v1/auth/login", json={"username": "max", "password": "max's password"}
    )
    assert await roles_of(api, "max") == {"buyer", "cashier"}
    directory.put_into("shop-staff", "lin")
    assert await log_in(api, "max", "max's password") == 200
    assert await roles_of(api, "max") == {"buyer"}
    old = {"Authorization": f"Bearer {logged_in.json()['access']}"}
    assert (await api.client.get("/v1/users/me", headers=old)).status_code == 401


async def test_who_has_left_the_directory_does_not_come_in(api: Api, directory: LdapServer) -> None:
    assert await log_in(api, "lin", "lin's password") == 200
    directory.remove("lin")
    assert await log_in(api, "lin", "lin's password") == 401
    directory.add("lin", "another's password")  # Another person of the same name.
    assert await log_in(api, "lin", "another's password") == 200
    assert len({row["user_id"] for row in await api.shop.rows("external_identities")}) == 2
    assert {row["username"] for row in await api.shop.rows("users")} == {"root", "lin", "lin-2"}


async def test_a_user_of_the_shop_is_not_taken_over(api: Api, directory: LdapServer) -> None:
    directory.add("root", "the directory's root")
    assert await log_in(api, "root", "the directory's root") == 401
    assert await log_in(api, "root", PASSWORD) == 200
    assert await roles_of(api, "root") == {"admin"}
    assert await api.shop.rows("external_identities") == []


async def test_disabled_users_stay_out(api: Api) -> None:
    assert await log_in(api, "lin", "lin's password") == 200
    lin = await users.find_by_name(api.running, username="lin")
    await roles.change(api.running, user_id=lin.id, state=UserState.DISABLED)
    assert await log_in(api, "lin", "lin's password") == 401


async def test_a_closed_user_is_forgotten_and_comes_back_as_another(api: Api) -> None:
    assert await log_in(api, "lin", "lin's password") == 200
    lin = await users.find_by_name(api.running, username="lin")
    await api.shop.do(CloseUser(OPERATOR, lin.id))
    assert await api.shop.rows("external_identities") == []
    assert await log_in(api, "lin", "lin's password") == 200
    (row,) = await api.shop.rows("external_identities")
    assert row["user_id"] != lin.id
    await api.shop.assert_clean()


async def test_first_log_ins_at_once_make_one_user(api: Api) -> None:
    assert await asyncio.gather(*(log_in(api, "lin", "lin's password") for _ in range(8))) == [200] * 8
    assert len(await api.shop.rows("users")) == 2
    assert len(await api.shop.rows("external_identities")) == 1


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("lin", ""),  # A directory takes this bind for an anonymous one.
        ("*", "lin's password"),
        ("l*n", "lin's password"),
        ("lin)(uid=*", "lin's password"),
        ("*)(objectClass=*", "max's password"),
        ("lin ", "lin's password"),  # The directory itself would find lin.
        ("lin", "lin's password\0"),
        ("\\6cin", "lin's password"),
        (f"uid=lin,{PEOPLE}", "lin's password"),
    ],
)
async def test_nobody_comes_in_by_what_is_no_name_or_password(api: Api, username: str, password: str) -> None:
    assert await log_in(api, username, password) in (401, 422)
    assert await api.shop.rows("external_identities") == []


async def test_a_name_with_the_signs_of_a_filter_is_a_name(api: Api, directory: LdapServer) -> None:
    directory.add("a(b", "a password of theirs")
    assert await log_in(api, "a(b", "a password of theirs") == 200


async def test_tries_are_counted_as_those_of_the_shop(api: Api) -> None:
    answers = [await log_in(api, "lin", "wrong") for _ in range(11)]
    assert answers[:10] == [401] * 10
    assert answers[10] == 429
    assert await log_in(api, "lin", "lin's password") == 429


async def test_while_the_directory_is_away_the_shops_own_users_log_in(
    api: Api, directory: LdapServer
) -> None:
    assert await log_in(api, "lin", "lin's password") == 200
    directory.stop()
    answer = await api.client.post("/v1/auth/login", json={"username": "lin", "password": "lin's password"})
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("The service that checks this log-in is not available.")
    assert await log_in(api, "root", PASSWORD) == 200
    directory.start()
    assert await log_in(api, "lin", "lin's password") == 200


async def test_users_of_the_directory_get_no_password_here(api: Api) -> None:
    logged_in = await api.client.post(
        "/v1/auth/login", json={"username": "lin", "password": "lin's password"}
    )
    own = {"Authorization": f"Bearer {logged_in.json()['access']}"}
    for current in ({}, {"current_password": "lin's password"}):
        changed = await api.client.patch(
            "/v1/users/me", headers=own, json={"password": "battery staple", **current}
        )
        assert changed.status_code == 401
    assert await log_in(api, "lin", "battery staple") == 401


async def test_the_directorys_password_confirms(api: Api) -> None:
    logged_in = await api.client.post(
        "/v1/auth/login", json={"username": "lin", "password": "lin's password"}
    )
    own = {"Authorization": f"Bearer {logged_in.json()['access']}"}
    for password, status in (("max's password", 401), ("lin's password", 200)):
        answer = await api.client.post("/v1/auth/confirm", headers=own, json={"password": password})
        assert answer.status_code == status


async def test_who_searches_may_have_a_password(database_url: str, directory: LdapServer) -> None:
    given: dict[str, Any] = {"ldap_url": directory.url, "ldap_base": BASE, "ldap_bind_dn": ROOT}
    async with serving(database_url, **given, ldap_bind_password=ROOT_PASSWORD) as api:
        assert await log_in(api, "lin", "lin's password") == 200
        assert await log_in(api, "lin", "wrong") == 401
    async with serving(database_url, **given, ldap_bind_password="wrong") as api:
        assert await log_in(api, "lin", "lin's password") == 503


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"ldap_url": "http://ldap.example.org"}, "TUCKSHOP_LDAP_URL is not valid"),
        ({"ldap_url": "ldap://host:99999"}, "TUCKSHOP_LDAP_URL is not valid"),
        ({"ldap_url": "ldap://host/dc=x"}, "TUCKSHOP_LDAP_URL is not valid"),
        ({"ldap_url": "ldap://host"}, "TUCKSHOP_LDAP_BASE is missing"),
        (
            {"ldap_url": "ldap://host", "ldap_base": "dc=x", "ldap_bind_dn": "cn=y"},
            "_BIND_PASSWORD is missing",
        ),
    ],
)
def test_settings_that_cannot_be_used_are_told(given: dict[str, Any], told: str) -> None:
    from tuckshop.identity.sign_on import open_services

    with pytest.raises(SettingsInvalid, match=told):
        open_services(Settings(**given))
