"""Who guesses passwords behind the owner's own address does not lock the owner's browser out."""

from __future__ import annotations

import asyncio

import pytest

from tests.shop import Clock
from tuckshop.context import Shop
from tuckshop.domain.refusals import BadCredentials, TooManyTries
from tuckshop.domain.users import Role
from tuckshop.identity import browser_sessions, known_devices, login_throttle, registration
from tuckshop.identity.browser_sessions import BrowserSession

PASSWORD = "correct horse"
OFFICE = "192.0.2.7"


@pytest.fixture
async def shop(open_for_business: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(login_throttle, "DELAY_SECONDS", 0)
    for name in ("ada", "bob"):
        await registration.register(
            open_for_business, username=name, email=None, password=PASSWORD, roles=[Role.BUYER]
        )
    return open_for_business


async def log_in(
    shop: Shop, *, name: str = "ada", password: str = PASSWORD, mark: str | None = None
) -> BrowserSession:
    return await browser_sessions.log_in(shop, username=name, password=password, address=OFFICE, mark=mark)


async def guess_until_refused(shop: Shop, *, name: str = "ada", mark: str | None = None) -> int:
    for guessed in range(1_000):
        try:
            await log_in(shop, name=name, password="wrong horse", mark=mark)
        except BadCredentials:
            continue
        except TooManyTries:
            return guessed
    raise AssertionError


async def test_the_owner_s_browser_is_let_in_while_others_guess_behind_its_address(shop: Shop) -> None:
    mark = (await log_in(shop)).mark
    assert await guess_until_refused(shop) == login_throttle.PAIR.attempts
    with pytest.raises(TooManyTries):
        await log_in(shop)  # Another browser there, even with the password.
    again = await log_in(shop, name="ADA", mark=mark)
    assert again.mark == mark
    with pytest.raises(TooManyTries):
        await log_in(shop)  # That has not made room for the others.


async def test_a_known_browser_guesses_no_more_than_any_other(shop: Shop, clock: Clock) -> None:
    mark = (await log_in(shop)).mark
    assert await guess_until_refused(shop, mark=mark) == login_throttle.PAIR.attempts
    with pytest.raises(TooManyTries):
        await log_in(shop, mark=mark)
    await log_in(shop)  # Nor does it keep out others: each has its own.
    clock.forward(60)
    await log_in(shop, mark=mark)


async def test_many_guesses_at_once_share_the_browser_s_count(shop: Shop) -> None:
    mark = (await log_in(shop)).mark
    answers = await asyncio.gather(
        *(log_in(shop, password="wrong horse", mark=mark) for _ in range(30)), return_exceptions=True
    )
    assert sum(isinstance(answer, BadCredentials) for answer in answers) == login_throttle.PAIR.attempts
    assert sum(isinstance(answer, TooManyTries) for answer in answers) == 20


async def test_a_mark_is_its_own_user_s_and_cannot_be_made_up(shop: Shop) -> None:
    bobs = (await log_in(shop, name="bob")).mark
    nonce, proof = (await log_in(shop)).mark.split(".")
    await guess_until_refused(shop)
    forged = (
        bobs, nonce, proof, f"{nonce}.", f".{proof}", f"{nonce[::-1]}.{proof}", f"{nonce}.{proof[::-1]}",
        f"{nonce}.{bobs.split('.')[1]}", f"{nonce}.{proof}x", f" {nonce}.{proof}",
        "x" * 100_000, "", "\0", "ü.ß",
    )  # fmt: skip
    for mark in forged:
        with pytest.raises(TooManyTries):
            await log_in(shop, mark=mark)
    await log_in(shop, mark=f"{nonce}.{proof}")


async def test_a_mark_lets_nobody_in_and_names_nobody(shop: Shop) -> None:
    mark = (await log_in(shop)).mark
    with pytest.raises(BadCredentials):
        await log_in(shop, password="wrong horse", mark=mark)
    assert "ada" not in mark
    assert known_devices.device_of(shop, username="bob", mark=mark) is None


async def test_a_machine_s_screen_keeps_no_mark(shop: Shop) -> None:
    entered = await browser_sessions.log_in(
        shop, username="ada", password=PASSWORD, address=OFFICE, machine_id=1
    )
    assert entered.mark == ""
