"""Passwords are kept as slow hashes, made a few at a time beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tuckshop.identity.passwords import AT_A_TIME, Overrun, Passwords, common


@pytest.fixture
def passwords(slow_hashes: None) -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


async def test_fit_their_own_hash_alone(passwords: Passwords) -> None:
    kept = await passwords.hash("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.fits("correct horse", kept)
    assert not await passwords.fits("wrong horse", kept)
    assert kept != await passwords.hash("correct horse")


async def test_nobody_has_none_and_a_broken_hash_fits_none(passwords: Passwords) -> None:
    assert not await passwords.fits("nobody's password", None)
    assert not await passwords.fits("!", "!")
    assert not await passwords.fits("", "")


async def test_are_hashed_two_at_a_time_and_not_on_the_loop(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, most, threads = 0, 0, set()
    lock = threading.Lock()
    verify = passwords._verify

    def counted(*given: Any) -> bool:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
            threads.add(threading.current_thread())
        try:
            return verify(*given)
        finally:
            with lock:
                at_once -= 1

    monkeypatch.setattr(passwords, "_verify", counted)
    kept = await passwords.hash("correct horse")
    assert all(await asyncio.gather(*(passwords.fits("correct horse", kept) for _ in range(8))))
    assert most <= AT_A_TIME == 2
    assert threading.main_thread() not in threads


async def test_an_unknown_user_costs_a_hash_too(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    monkeypatch.setattr(passwords, "_verify", lambda kept, _: tried.append(kept))
    await passwords.fits("x", None)
    assert tried[0].startswith("$argon2id$")


def test_the_common_ones_are_in_lower_case_and_long_enough_to_be_tried() -> None:
    assert all(word == word.casefold() and len(word) >= 8 for word in common())
    assert len(common()) > 11_000
    assert {"tuckshop", "hallohallo", "password", "1qaz2wsx", "carefree"} <= common()


async def test_a_crowd_is_told_at_once_that_it_is_too_many(passwords: Passwords) -> None:
    kept = await passwords.hash("correct horse")
    passwords._checks.waiting_max = passwords._new.waiting_max = 3
    for work in (lambda: passwords.hash("correct horse"), lambda: passwords.fits("correct horse", kept)):
        answers = await asyncio.gather(*(work() for _ in range(5)), return_exceptions=True)
        assert sum(isinstance(answer, Overrun) for answer in answers) == 2
    assert await passwords.hash("correct horse")  # The crowd is gone, and nothing was lost.
