"""No dialect is weaker than /v1: whom /v1 refuses something, no older contract lets do it."""

from __future__ import annotations

from dataclasses import replace

from tests.access.dialects import DIALECTS
from tests.access.scene import CALLERS, OWNERS
from tests.access.tables import Key, Row, Table
from tests.access.test_access import kept
from tests.access.twins import TWINS, Twin
from tests.access.v1 import V1
from tuckshop.dialects import NAMES

NOBODY_ELSES = Row(("403",) * len(CALLERS))


def test_whoever_does_something_in_a_dialect_may_do_it_in_v1() -> None:
    told = weaker(kept(DIALECTS), kept(V1))
    assert not told, "\n".join(told)


def test_every_call_of_a_dialect_has_its_twin_and_every_twin_a_call() -> None:
    assert TWINS.keys() == set(NAMES)
    calls = {(name, call) for name, call in map(within, kept(DIALECTS))}
    twins = {(name, call) for name, of_dialect in TWINS.items() for call in of_dialect}
    assert calls == twins, "add the new call to tests/access/twins.py"


def test_a_dialect_that_lets_do_what_v1_refuses_is_found() -> None:
    dialects, v1 = kept(DIALECTS), kept(V1)
    price = Key("PUT", "/dialects/app-demo/api/product/{product_id}")
    other = CALLERS.index("other")
    weak = replace(
        dialects[price], cells=(*dialects[price].cells[:other], "200", *dialects[price].cells[other + 1 :])
    )
    assert weaker({price: weak}, v1) == [
        f"{price} by other: 200, and PATCH /v1/products/{{product_id}} says 403"
    ]
    # The fault of 3366d97: whoever held an owner's token took the account over, and so did admins.
    taken = Key("PATCH", "/dialects/simple-payment/api/user/{username}", "password")
    before = Row(("401", "401", "401", "403", "403", "403", "200", "200", "403", "401", "401"))
    assert {told.split(" by ")[1].split(":")[0] for told in weaker({taken: before}, v1)} == {"admin", "owner"}


def weaker(dialects: Table, v1: Table) -> list[str]:
    """Who does in a dialect what the twin in /v1 refuses them."""
    rows = {" ".join(f"{key}".split()): row for key, row in v1.items()}
    told = []
    for key, row in dialects.items():
        name, call = within(key)
        for who, cell in zip(CALLERS, row.cells, strict=True):
            twin = twin_of(TWINS[name][call], who)
            allowed = rows.get(twin, NOBODY_ELSES).of(who)
            if cell[0] in "23" and allowed[0] not in "23":
                told.append(f"{key} by {who}: {cell}, and {twin} says {allowed}")
    return told


def within(key: Key) -> tuple[str, str]:
    """The dialect, and the call as its document writes it."""
    _, _, name, *parts = key.path.split("/")
    if name == "vending-challenge" and parts[:2] == ["api", "v1"]:
        parts = parts[2:]
    path = "".join(f"/{part}" for part in parts)
    return name, f"{key.method} {path}" + (f" ({key.what})" if key.what else "")


def twin_of(twin: Twin, who: str) -> str:
    if who == "admin" and twin.admin:
        return twin.admin
    return twin.own if who in OWNERS and twin.own else twin.row
