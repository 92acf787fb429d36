"""`/office/users/{user}/selling`."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.conftest import joined
from tuckshop.domain.users import Role

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def boss(api: Api, guest: Browser) -> Browser:
    """An admin at the office."""
    await joined(api, "boss", Role.ADMIN)
    await guest.log_in("boss")
    return guest


@ON_SQLITE
async def test_an_admin_sets_quotas_and_ticks_machines(api: Api, boss: Browser) -> None:
    sam, hall = await api.shop.person("sam", Role.SELLER), await api.shop.machine("hall")
    await api.shop.execute("DELETE FROM invitations")
    await api.shop.product("tea", stock=12, seller=sam)
    await boss.open(f"/office/users/{sam.user_id}")
    assert boss.page.by_id("selling-of") is not None
    await boss.open(f"/office/users/{sam.user_id}/selling")
    assert "12" in boss.page.texts["pieces-used"]
    await boss.press("save-selling", pieces="20000", **{f"machine-{hall}": "on"})
    assert boss.page.texts["notice"] == "Saved."
    (quota,) = await api.shop.rows("seller_quotas")
    assert quota == {"seller_id": sam.user_id, "products": None, "pieces": 20_000, "picture_bytes": None}
    assert [row["machine_id"] for row in await api.shop.rows("invitations")] == [hall]
    assert boss.field("pieces")["value"] == "20000"
    assert "checked" in boss.field(f"machine-{hall}")
    await boss.post(f"/office/users/{sam.user_id}/selling", {"pieces": ""})
    assert await api.shop.rows("seller_quotas") == []
    assert await api.shop.rows("invitations") == []


@ON_SQLITE
@pytest.mark.parametrize("typed", ["-1", "many", "1.5", "9" * 17, "9" * 400, "<script>"])
async def test_what_is_no_number_is_told_beside_the_field(api: Api, boss: Browser, typed: str) -> None:
    sam = await api.shop.person("sam", Role.SELLER)
    before = await api.shop.books()
    await boss.open(f"/office/users/{sam.user_id}/selling")
    answer = await boss.post(f"/office/users/{sam.user_id}/selling", {"products": typed})
    assert answer.status_code == 422
    assert boss.look(answer).by_id("products-wrong") is not None
    assert await api.shop.books() == before
