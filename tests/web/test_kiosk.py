"""A machine's own screen: paired once, it serves whoever stands before it, and forgets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.conftest import Api, serving
from tests.web.browsing import Browser
from tests.web.conftest import NewBrowser
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.users import Role
from tuckshop.identity import browser_sessions, sessions
from tuckshop.operations import machines as machine_operations


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """A shop that takes nobody's word for coins but its machines'."""
    async with serving(database_url, machine_undo=UndoMode.CONTRACT) as served:
        yield served


async def key_of(api: Api, machine_id: int) -> str:
    root = await api.shop.person(f"root {len(await api.shop.rows('users'))}", Role.ADMIN)
    actor = await sessions.actor(api.running, caller=root)
    return await machine_operations.new_key(api.running, actor=actor, machine_id=machine_id)


async def begun(api: Api, guest: Browser, machine_id: int) -> None:
    """The browser is a screen of the machine, whose page takes drawn coins."""
    await api.shop.draw_coins(machine_id)
    code = await api.shop.pairing_code(machine_id)
    await guest.open("/kiosk")
    await guest.post("/kiosk", {"code": code})
    await guest.open()


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


async def test_takes_no_code_but_one_that_waits(api: Api, guest: Browser) -> None:
    hall = await api.shop.machine("hall", box_kind="counted")
    used, late = [await api.shop.pairing_code(hall) for _ in range(2)]
    await guest.open("/kiosk")
    assert (await guest.post("/kiosk", {"code": f" {used.lower().replace('-', ' ')} "})).status_code == 200
    await guest.post("/kiosk/end", {})
    api.shop.clock.forward(600.000001)
    for code in (used, late, "", "AAAAA-AAAAA", "<script>", "\u00e4", " ", "A" * 41, f"s1-{'A' * 43}"):
        await guest.open("/kiosk")
        answer = await guest.post("/kiosk", {"code": code})
        assert answer.status_code == 422, code
        assert "tuckshop_screen" not in guest.client.cookies
        api.shop.clock.forward(3_600)  # Ten wrong ones at once are enough.


async def test_codes_cannot_be_guessed_at_leisure(api: Api, guest: Browser) -> None:
    code = await api.shop.pairing_code(1)
    await guest.open("/kiosk")
    answers = [
        (await guest.post("/kiosk", {"code": f"AAAAA-AAA{number}"})).status_code for number in range(10, 21)
    ]
    assert answers == [422] * 10 + [429]
    assert (await guest.post("/kiosk", {"code": code})).status_code == 429


async def test_one_code_makes_one_screen(api: Api, new_browser: NewBrowser) -> None:
    code, browsers = await api.shop.pairing_code(1), [new_browser() for _ in range(4)]
    for browser in browsers:
        await browser.open("/kiosk")
    await asyncio.gather(*(browser.post("/kiosk", {"code": code}) for browser in browsers))
    assert sum("tuckshop_screen" in browser.client.cookies for browser in browsers) == 1


async def test_a_screen_that_was_removed_is_an_ordinary_one(api: Api, guest: Browser) -> None:
    hall = await api.shop.machine("hall", box_kind="counted")
    await begun(api, guest, hall)
    await guest.put_in(50)
    page = guest.page
    await api.shop.execute("UPDATE screens SET ended_us = :now", now=api.shop.clock.now_us)
    before = await api.shop.rows("transfers")
    await guest.press("coin-50", page)
    assert await api.shop.rows("transfers") == before
    await guest.open()
    assert guest.page.by_id("coin-50") is None
    assert (guest.answer or httpx.Response(500)).status_code == 200


async def test_its_credential_is_good_for_nothing_else(
    api: Api, guest: Browser, new_browser: NewBrowser
) -> None:
    # With the machine's key a browser could credit any wallet, and pay out those of absent people.
    hall, ada = await api.shop.machine("hall", box_kind="counted"), await api.shop.buyer("ada", cents=500)
    await begun(api, guest, hall)
    secret = guest.client.cookies["tuckshop_screen"]
    for header in (f"Machine {secret}", f"Bearer {secret}"):
        for path, body in (
            ("/v1/wallet/deposits", {"coins": {"100": 1}, "user": ada.user_id}),
            ("/v1/wallet/deposits", {"coins": {"100": 1}, "guest": "door"}),
            ("/v1/wallet/payout", {"user": ada.user_id}),
        ):
            answer = await api.post(path, body, headers={"Authorization": header})
            assert answer.status_code == 401, (header, path)
    other = await guest.post("/m/1/coins", {"key": "k" * 22, "pick": "", "change": "keep", "coin": "100"})
    assert "belongs to somebody else" in other.text


async def test_without_drawn_coins_a_screen_makes_no_money(api: Api, guest: Browser) -> None:
    # Anybody tapped drawn coins on a public screen, also where coins are attested.
    hall = await api.shop.machine("hall", box_kind="counted")
    cola = await api.shop.product("cola", price_cents=50, machine_id=hall)
    await begun(api, guest, hall)
    await api.shop.execute("UPDATE machines SET coin_input = 'none'")
    page = guest.page
    await guest.open()
    assert guest.page.by_id("coin-100") is None
    before = await api.shop.rows("transfers")
    await guest.press("coin-100", page)  # A page of before, or made by hand.
    assert "must confirm these coins" in guest.page.text or "Insert coins at the machine" in guest.page.text
    await guest.press(f"choose-{cola.product_id}")
    await guest.press("buy")
    assert await api.shop.rows("transfers") == before
    assert await api.shop.rows("orders") == []


async def test_a_key_of_before_becomes_a_credential_of_its_own(api: Api, guest: Browser) -> None:
    hall = await api.shop.machine("hall", box_kind="counted")
    await api.shop.draw_coins(hall)
    key = await key_of(api, hall)
    guest.client.cookies.set("tuckshop_machine", key, domain="127.0.0.1", path="/")
    await guest.open()
    assert "is-kiosk" in guest.page.content
    assert "tuckshop_machine" not in guest.client.cookies
    (screen,) = await api.shop.rows("screens")
    assert (screen["machine_id"], screen["name"]) == (hall, "Screen")
    await guest.put_in(50)
    assert guest.credit == "€0.50"
    await guest.open()
    assert len(await api.shop.rows("screens")) == 1


async def test_an_ordinary_browser_keeps_its_guest(api: Api, guest: Browser) -> None:
    await guest.open()
    before = guest.client.cookies["tuckshop_guest"]
    await guest.client.get("/kiosk/leave")
    assert guest.client.cookies["tuckshop_guest"] == before


async def test_ends_when_it_is_told_to(api: Api, guest: Browser) -> None:
    hall = await api.shop.machine("hall", box_kind="counted")
    await begun(api, guest, hall)
    await guest.post("/kiosk/end", {})
    assert "tuckshop_screen" not in guest.client.cookies
    (screen,) = await api.shop.rows("screens")
    assert screen["ended_us"] is not None


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
