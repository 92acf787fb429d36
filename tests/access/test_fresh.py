"""What takes a fresh log-in: every call of every route is made in sessions that are not, and these differ."""

from __future__ import annotations

import pytest

from tests.access.scene import CALLERS, furnished
from tests.access.tables import Interface
from tests.access.test_access import ALL, kept
from tuckshop.identity.confirmation import FRESH_SECONDS

ADMINS = {
    "PATCH /v1/users/{user_id}",
    "DELETE /v1/users/{user_id}/second-factor",
    "POST /office/users/{user}/second-factor",
    "PATCH /v1/machines/{machine_id}",
    "POST /v1/machines/{machine_id}/key",
    "POST /v1/machines/{machine_id}/screens",
    "POST /office/users/{user}/roles",
    "POST /office/users/{user}/state",
    "POST /office/users/{user}/password",
    "POST /office/machines/{machine}/settings",
    "POST /office/machines/{machine}/key",
    "POST /office/machines/{machine}/screens",
}
EVERYBODY_S = {
    "PATCH /v1/users/me",
    "POST /account/profile",
    "POST /v1/auth/tokens",
    "POST /v1/auth/second-factor",
    "POST /v1/auth/second-factor/enable",
    "POST /v1/auth/second-factor/recovery-codes",
    "DELETE /v1/auth/second-factor",
    "POST /account/tokens",
    "POST /account/second-factor",
    "POST /account/second-factor/enable",
    "POST /account/second-factor/codes",
    "POST /account/second-factor/off",
}
PEOPLE = ("buyer", "seller", "cashier", "admin", "owner", "other")


@ALL
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_roles_tokens_settings_keys_and_resets_and_nothing_else(
    interface: Interface, database_url: str
) -> None:
    expected = kept(interface)
    found: dict[str, dict[str, str]] = {}
    async with furnished(database_url) as scene:
        for key, ask in interface.rows(scene):
            for who in PEOPLE if key.method != "GET" else ():
                await scene.begin(ask.state)
                await scene.shop.execute(
                    "UPDATE sessions SET created_us = :old, confirmed_us = :old WHERE ended_us IS NULL",
                    old=scene.shop.clock() - FRESH_SECONDS * 1_000_000 - 1,
                )
                cell = f"{(await interface.ask(scene, key, ask, who)).status}"
                if cell != expected[key].of(who)[:3]:
                    found.setdefault(f"{key.method} {key.path}", {})[who] = cell
                scene.may_have_changed()
    routes = {f"{key.method} {key.path}" for key in expected}
    assert found == {
        **{one: {"admin": "403"} for one in ADMINS & routes},
        **{one: dict.fromkeys(PEOPLE, "403") for one in EVERYBODY_S & routes},
    }
    assert set(PEOPLE) < set(CALLERS)
