"""Tokens say who calls, for a while; tests/api/test_sessions.py has the forged ones."""

from __future__ import annotations

import pytest

from tests.shop import Clock
from tuckshop.domain.refusals import SessionEnded
from tuckshop.identity.access_tokens import ACCESS_SECONDS, CACHE_MAX, REFRESH_SECONDS, Tokens
from tuckshop.settings import Settings, SettingsInvalid
from tuckshop.till.callers import SessionCaller

ADA = SessionCaller(session_id=3, user_id=7)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(secret=b"x" * 32, clock=clock)


def test_a_token_says_whose_it_is_until_its_time_is_over(tokens: Tokens, clock: Clock) -> None:
    token = tokens.access(ADA)
    assert tokens.caller(token) == ADA
    clock.forward(ACCESS_SECONDS - 1)
    assert tokens.caller(token) == ADA
    clock.forward(1)
    for _ in range(2):  # Remembered, then forgotten.
        with pytest.raises(SessionEnded):
            tokens.caller(token)


def test_a_refresh_token_lasts_a_day_and_counts(tokens: Tokens, clock: Clock) -> None:
    token = tokens.refresh(ADA, generation=4)
    clock.forward(REFRESH_SECONDS - 1)
    assert tokens.refreshing(token) == (ADA, 4)
    clock.forward(1)
    with pytest.raises(SessionEnded):
        tokens.refreshing(token)


def test_no_two_tokens_are_alike(tokens: Tokens) -> None:
    assert len({tokens.access(ADA) for _ in range(100)}) == 100


def test_tokens_of_another_shop_are_not_taken(tokens: Tokens, clock: Clock) -> None:
    other = Tokens(secret=b"y" * 32, clock=clock)
    with pytest.raises(SessionEnded):
        tokens.caller(other.access(ADA))


def test_what_is_remembered_is_bounded(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CACHE_MAX == 10_000
    monkeypatch.setattr("tuckshop.identity.access_tokens.CACHE_MAX", 3)
    for _ in range(10):
        assert tokens.caller(tokens.access(ADA)) == ADA
    assert len(tokens._read) <= 3


@pytest.mark.parametrize("secret", ["short", "x" * 31])
def test_a_short_secret_is_refused_at_start(secret: str) -> None:
    with pytest.raises(SettingsInvalid, match="at least 32"):
        Settings(secret=secret).signing_secret()
