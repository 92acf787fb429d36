"""The tree of refusals: told in facts, kept as JSON, and back again."""

import json
import re

import pytest

from tests.samples import sample
from tuckshop.domain import refusals
from tuckshop.domain.refusals import (
    BadCredentials,
    CoinNotAccepted,
    Conflict,
    Forbidden,
    InsufficientFunds,
    OutOfStock,
    Refusal,
    Throttled,
    Unacceptable,
    Unauthenticated,
    Unknown,
    leaves,
    revive,
)


def test_a_refusal_tells_its_facts() -> None:
    refusal = InsufficientFunds(needed_cents=150, balance_cents=100)
    assert refusal.facts() == {"needed_cents": 150, "balance_cents": 100}
    assert str(refusal) == "InsufficientFunds(needed_cents=150, balance_cents=100)"
    assert str(BadCredentials()) == "BadCredentials()"


def test_refusals_of_the_same_facts_are_the_same() -> None:
    assert OutOfStock(product=1, available=0) == OutOfStock(product=1, available=0)
    assert OutOfStock(product=1, available=0) != OutOfStock(product=1, available=1)
    assert len({OutOfStock(product=1, available=0), OutOfStock(product=1, available=0)}) == 1


def test_a_refusal_remembers_where_it_was_raised() -> None:
    with pytest.raises(OutOfStock) as refused:
        raise OutOfStock(product=1, available=0)
    assert refused.value.__traceback__ is not None


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.__name__)
def test_every_refusal_comes_back_from_json_as_it_was(leaf: type[Refusal]) -> None:
    refusal = sample(leaf)
    assert revive(leaf.code, json.loads(json.dumps(refusal.facts()))) == refusal


def test_what_has_no_kinds_below_it_is_a_leaf() -> None:
    assert leaves(BadCredentials) == [BadCredentials]
    assert BadCredentials in leaves(Unauthenticated)
    assert Unauthenticated not in leaves()


def test_a_list_of_facts_comes_back_as_it_was() -> None:
    assert revive("coin-not-accepted", {"value_cents": 1, "accepted": [5, 10]}) == CoinNotAccepted(
        value_cents=1, accepted=(5, 10)
    )


@pytest.mark.parametrize("name", ["nonsense", "OutOfStock", "conflict", ""])
def test_only_concrete_refusals_come_back(name: str) -> None:
    with pytest.raises(KeyError):
        revive(name, {})


def test_every_refusal_is_on_one_of_the_six_branches() -> None:
    branches = (Unauthenticated, Forbidden, Unknown, Unacceptable, Throttled, Conflict)
    assert Refusal.__subclasses__() == list(branches)
    assert all(sum(issubclass(leaf, branch) for branch in branches) == 1 for leaf in leaves())


def test_the_docstring_draws_the_whole_tree() -> None:
    drawn = set(re.findall(r"\b[A-Z][a-z]+[A-Za-z]*\b", (refusals.__doc__ or "").partition("Refusal\n")[2]))
    assert {leaf.__name__ for leaf in leaves()} <= drawn
    assert {branch.__name__ for branch in Refusal.__subclasses__()} <= drawn
