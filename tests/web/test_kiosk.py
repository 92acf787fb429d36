"""A machine's own screen: its key speaks for whoever stands before it, and forgets them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.conftest import Api, serving
from tests.web.browsing import Browser
from tuckshop.domain.users import Role
from tuckshop.identity import browser_sessions, sessions
from tuckshop.operations import machines as machine_operations


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """A shop that takes nobody's word for coins but its machines'."""
    async with serving(database_url) as served:
        yield served


async def key_of(api: Api, machine_id: int) -> str:
    root = await api.shop.person(f"root {len(await api.shop.rows('users'))}", Role.ADMIN)
    actor = await sessions.actor(api.running, caller=root)
    return await machine_operations.new_key(api.running, actor=actor, machine_id=machine_id)


async def begun(api: Api, guest: Browser, machine_id: int) -> str:
    key = await key_of(api, machine_id)
    await guest.open("/kiosk")
    await guest.post("/kiosk", {"machine_key": key})
    await guest.open()
    return key


async def test_serves_guests_of_its_machine_alone(api: Api, guest: Browser) -> None:
    hall = await api.shop.machine("hall", box_kind="counted")
    cola = await api.shop.product("cola", price_cents=50, machine_id=hall)
    await begun(api, guest, hall)
    assert "hall" in guest.page.content
    await guest.open("/m/1")
    assert guest.page.by_id(f"slot-{cola.product_id}") is not None  # Not the first machine: its own.
    await guest.put_in(50)
    await guest.press(f"choose-{cola.product_id}")
    await guest.press("buy")
    assert guest.says == "Enjoy your cola!"
    assert [row["machine_id"] for row in await api.shop.rows("orders")] == [hall]
    await api.shop.assert_clean()


async def test_forgets_its_guest_and_keeps_what_was_left(api: Api, guest: Browser) -> None:
    hall = await api.shop.machine("hall", box_kind="counted")
    await begun(api, guest, hall)
    await guest.put_in(100, 20)
    await guest.post("/language", {"language": "de", "back": "/"})
    answer = await guest.post("/kiosk/leave", {})
    assert "€1.20 of credit is kept for you. Ask the cashier." in answer.text
    await guest.open()
    assert guest.credit == "€0.00"  # Whoever comes next has nothing of it.
    wallets = {row["balance_cents"] for row in await api.shop.rows("accounts") if row["guest_id"]}
    assert wallets == {120}
    assert '<html lang="en">' in guest.page.content
    await api.shop.assert_clean()


async def test_gives_back_only_what_its_own_guest_has_bought(api: Api, guest: Browser) -> None:
    hall = await api.shop.machine("hall", box_kind="counted")
    cola = await api.shop.product("cola", price_cents=50, machine_id=hall)
    await begun(api, guest, hall)
    await guest.put_in(50)
    await guest.press(f"choose-{cola.product_id}")
    await guest.press("buy")
    page = guest.page
    await guest.post("/kiosk/leave", {})
    await guest.open()
    await guest.put_in(50)
    await guest.press("undo", page)  # The page of a guest who has gone.
    assert guest.answer is not None
    assert guest.answer.status_code == 400
    await guest.open()
    token = guest.page.fields("press")["form"]
    await guest.press("undo", page, form=token)
    assert guest.says == "This page was out of date. Press again."
    assert [row["status"] for row in await api.shop.rows("orders")] == ["dispensed"]


async def test_takes_no_key_but_a_machines(api: Api, guest: Browser) -> None:
    hall = await api.shop.machine("hall", box_kind="counted")
    old = await key_of(api, hall)
    await key_of(api, hall)  # The new one ends the old one.
    for key in (old, "", "1", f"{hall}-" + "A" * 43, "9" * 30 + "-" + "A" * 43, "<script>", "1-\u00e4", " "):
        await guest.open("/kiosk")
        answer = await guest.post("/kiosk", {"machine_key": key})
        assert answer.status_code == 422, key
        assert "This key is not valid." in answer.text
        assert "tuckshop_machine" not in guest.client.cookies


async def test_a_new_key_makes_it_an_ordinary_screen(api: Api, guest: Browser) -> None:
    hall = await api.shop.machine("hall", box_kind="counted")
    await begun(api, guest, hall)
    await guest.put_in(50)
    await key_of(api, hall)
    await guest.open()
    assert guest.page.by_id("coin-50") is None
    assert (guest.answer or httpx.Response(500)).status_code == 200


async def test_an_ordinary_browser_keeps_its_guest(api: Api, guest: Browser) -> None:
    await guest.open()
    before = guest.client.cookies["tuckshop_guest"]
    await guest.client.get("/kiosk/leave")
    assert guest.client.cookies["tuckshop_guest"] == before


async def test_ends_when_it_is_told_to(api: Api, guest: Browser) -> None:
    hall = await api.shop.machine("hall", box_kind="counted")
    await begun(api, guest, hall)
    await guest.post("/kiosk/end", {})
    assert "tuckshop_machine" not in guest.client.cookies


async def test_signs_out_whoever_has_gone(api: Api, guest: Browser) -> None:
    hall = await api.shop.machine("hall", box_kind="counted")
    await begun(api, guest, hall)
    await api.registered("ada")
    entered = await browser_sessions.log_in(api.running, username="ada", password="correct horse")
    guest.client.cookies.set("tuckshop", entered.secret, domain="127.0.0.1", path="/")
    await guest.open()
    assert "is-kiosk" in guest.page.content
    await guest.post("/kiosk/leave", {})
    await guest.open("/", headers={"Cookie": f"tuckshop={entered.secret}"})  # Somebody has kept it.
    assert '<span class="who">ada</span>' not in guest.page.content
