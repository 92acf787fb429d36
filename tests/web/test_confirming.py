"""Pages ask for the password beside what was posted, and go on with it: nobody fills in a form twice."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.conftest import PASSWORD, joined
from tuckshop.domain.users import Role

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SCRIPT = '"><script>alert(1)</script>'


@pytest.fixture
async def boss(api: Api, guest: Browser) -> Browser:
    """An admin who logged in eleven minutes ago."""
    await joined(api, "boss", Role.ADMIN, Role.BUYER)
    await guest.log_in("boss")
    api.clock.forward(660)
    return guest


async def roles_of(api: Api, user_id: int) -> set[str]:
    (row,) = [one for one in await api.shop.rows("users") if one["id"] == user_id]
    return {role.value for role in Role if row[f"is_{role.value}"]}


async def test_a_change_of_roles_waits_for_the_password_and_goes_on(api: Api, boss: Browser) -> None:
    ada = await joined(api, "ada")
    await boss.open(f"/office/users/{ada}")
    before = await api.shop.books()
    page = await boss.press("save-roles", **{"role-cashier": "on"})
    assert (boss.status, page.named("role-cashier")[0]["value"]) == (403, "on")
    assert await api.shop.books() == before
    await boss.press("confirm", **{"confirm-password": "wrong horse"})
    assert boss.status == 422
    assert await roles_of(api, ada) == {"buyer"}
    await boss.press("confirm", **{"confirm-password": PASSWORD})
    assert (boss.status, boss.path) == (200, f"/office/users/{ada}")
    assert await roles_of(api, ada) == {"buyer", "cashier"}


@ON_SQLITE
async def test_is_asked_once_in_ten_minutes(api: Api, boss: Browser) -> None:
    await boss.open("/account/tokens")
    await boss.press("make", name="printer")
    assert boss.status == 403
    page = await boss.press("confirm", **{"confirm-password": PASSWORD})
    assert (boss.status, "secret" in page.texts) == (200, True)
    await boss.open("/account/tokens")
    page = await boss.press("make", name="second")
    assert (boss.status, "secret" in page.texts) == (200, True)


@ON_SQLITE
async def test_what_was_typed_is_shown_as_text_alone(api: Api, boss: Browser) -> None:
    await boss.open("/account/tokens")
    page = await boss.press("make", name=SCRIPT)
    assert boss.status == 403
    assert "<script>alert" not in page.content
    assert page.named("name")[0]["value"] == SCRIPT


@ON_SQLITE
async def test_a_password_is_never_shown_again_and_tries_are_counted(api: Api, boss: Browser) -> None:
    await boss.open("/account/tokens")
    await boss.press("make", name="printer")
    for _ in range(10):
        page = await boss.press("confirm", **{"confirm-password": "wrong horse"})
        assert "wrong horse" not in page.content
    await boss.press("confirm", **{"confirm-password": PASSWORD})
    assert boss.status == 429
    assert not [row for row in await api.shop.rows("sessions") if row["scopes"]]


@ON_SQLITE
async def test_a_whole_form_goes_on_as_it_was(api: Api, boss: Browser) -> None:
    await boss.open("/office/machines/1/settings")
    await boss.press("save", name="kitchen", deposit_max="12.50")
    assert boss.status == 403
    await boss.press("confirm", **{"confirm-password": PASSWORD})
    (row,) = [one for one in await api.shop.rows("machines") if one["id"] == 1]
    assert (row["name"], row["deposit_cents_max"]) == ("kitchen", 1250)


@ON_SQLITE
async def test_another_email_address_takes_the_password_and_another_name_does_not(
    api: Api, boss: Browser
) -> None:
    async def contact() -> tuple[str, str | None]:
        (row,) = [one for one in await api.shop.rows("users") if one["username_key"].startswith("boss")]
        return row["username"], row["email"]

    await boss.open("/account/profile")
    await boss.press("save", username="Boss")
    assert (boss.status, await contact()) == (200, ("Boss", None))
    await boss.press("save", email="boss@example.org")
    assert (boss.status, await contact()) == (403, ("Boss", None))
    await boss.press("confirm", **{"confirm-password": PASSWORD})
    assert (boss.status, await contact()) == (200, ("Boss", "boss@example.org"))
