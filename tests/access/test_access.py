"""Every route of every interface, asked by everybody, answers what the tables beside this file say."""

from __future__ import annotations

import pytest

from tests.access import INTERFACES
from tests.access.scene import CALLERS, furnished
from tests.access.tables import DID, Interface, Key, Row, Table, differences, read, written
from tests.access.v1 import V1, ask_with_cookie

ALL = pytest.mark.parametrize("interface", INTERFACES, ids=lambda one: one.name)
ON_POSTGRES_ONE_OF = 6  # Rights are decided above the databases: all rows there would cost a minute more.
LED_TO_LOGIN = "303 /login"
KEPT_OUT = ("401", "403", "404", LED_TO_LOGIN)
OF_FORM = ("400", "405", "409", "413", "415", "422", "429")
"""What tells nothing of rights: the request was not good enough to find out."""
THINGS = ("user", "username", "session", "token", "product", "name", "order", "seller")
"""What somebody owns, as paths name it."""
NEED_A_GUEST = {
    "POST /v1/orders",
    "POST /v1/orders (on the tab)",
    "POST /v1/wallet/deposits",
    "POST /v1/wallet/payout",
}
"""A machine has no wallet: it says for which guest."""
FOR_MACHINES = {
    "POST /v1/guests/refunds",
    "POST /v1/orders/{order_id}/refunds (a guest's, in the machine)",
    "POST /v1/orders (for a guest)",
    "GET /v1/wallet (of a guest)",
    "POST /v1/wallet/deposits (to a guest)",
    "POST /v1/wallet/payout (of a guest)",
    "POST /v1/wallet/deposits (to the owner)",
    "POST /v1/wallet/payout (of the owner)",
    "GET /v1/machines/{machine_id}/coins",
}
"""What staff does for guests, machines do too, in their own machine; and for who has logged in there."""


@ALL
async def test_everybody_is_answered_as_the_table_says(interface: Interface, database_url: str) -> None:
    one_of = 1 if database_url.startswith("sqlite") else ON_POSTGRES_ONE_OF
    async with furnished(database_url) as scene:
        found = await interface.table(scene, one_of=one_of)
    expected = kept(interface)
    if one_of > 1:
        expected = {key: expected[key] for key in found}
    told = differences(expected, found)
    assert not told, "\n".join(["`python -m tests.access --write` after looking at each:", *told])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_browser_s_session_is_good_for_what_the_table_says_of_tokens(database_url: str) -> None:
    expected, told = kept(V1), []
    async with furnished(database_url) as scene:
        for key, ask in V1.rows(scene):
            for who in () if key.path == "/metrics" else ("ended", "disabled", "other", "admin"):
                status = f"{(await ask_with_cookie(scene, key, ask, who)).status}"
                if status != expected[key].of(who):
                    told.append(f"{key} by {who}: {status}, not {expected[key].of(who)}")
    assert not told, "\n".join(told)


@ALL
def test_the_tables_are_as_they_would_be_written(interface: Interface) -> None:
    text = interface.file.read_text()
    assert written(interface.title, read(text)) == text


@ALL
def test_an_ended_session_or_a_disabled_user_gets_no_more_than_nobody(interface: Interface) -> None:
    for key, row in kept(interface).items():
        for who in ("ended", "disabled"):
            cell = row.of(who)
            is_left_out = cell in KEPT_OUT or cell == row.of("nobody")
            assert is_left_out or _only_forgets(cell, key) or _is_shown_again(cell, key), (
                f"{key}",
                who,
                cell,
            )


def _only_forgets(cell: str, key: Key) -> bool:
    """The storefront has the browser forget the session, and shows itself again."""
    return cell == "303" and key.path in ("/", "/m/{machine}")


@ALL
def test_nobody_else_changes_what_somebody_owns(interface: Interface) -> None:
    for key, row in kept(interface).items():
        names = {part.strip("{}").removesuffix("_id") for part in key.path.split("/") if part[:1] == "{"}
        if key.method != "GET" and names & set(THINGS) and not _is_named_by_other(key):
            assert not did(row.of("other")), (f"{key}", row.of("other"))


def _is_named_by_other(key: Key) -> bool:
    """A path that gives a new order its name, which others may give too."""
    return f"{key}".endswith("/dialects/shop/api/orders/{order_id}") and key.method == "POST"


@ALL
def test_who_owns_nothing_does_nothing_that_no_buyer_or_seller_does(interface: Interface) -> None:
    for key, row in kept(interface).items():
        if did(row.of("other")):
            assert any(did(row.of(who)) for who in ("nobody", "buyer", "seller")), f"{key}"


@ALL
def test_machines_and_their_screens_get_nothing_of_the_office(interface: Interface) -> None:
    for key, row in kept(interface).items():
        is_staffs = did(row.of("admin")) and not any(did(row.of(one)) for one in ("buyer", "seller", "owner"))
        if (is_staffs or key.path.startswith("/office")) and _plain(key) not in FOR_MACHINES:
            assert not did(row.of("machine")), f"{key}"
            assert not did(row.of("screen")), f"{key}"


@ALL
def test_each_cell_tells_of_rights_and_none_of_a_defect(interface: Interface) -> None:
    for key, row in kept(interface).items():
        for who, cell in zip(CALLERS, row.cells, strict=True):
            assert cell[0] != "5", (f"{key}", who, cell)
            is_known = who == "machine" and _plain(key) in NEED_A_GUEST
            assert is_known or cell[:3] not in OF_FORM or _is_shown_again(cell, key), (f"{key}", who, cell)


def test_a_route_or_a_cell_that_changes_is_told() -> None:
    key, gone = Key("GET", "/a"), Key("GET", "/b", "what")
    row = Row(("200",) * len(CALLERS))
    before: Table = {key: row, gone: row}
    after: Table = {key: Row(("401", *row.cells[1:])), Key("GET", "/c"): row}
    assert differences(before, before) == []
    assert differences(before, after) == [
        "GET    /a by nobody: 401, not 200",
        "GET    /b (what): is in the table, and no route of the application",
        "GET    /c: is a route, and not in the table",
    ]


def kept(interface: Interface) -> Table:
    """The table as it was written."""
    return read(interface.file.read_text())


def _plain(key: Key) -> str:
    return " ".join(f"{key}".split())


def did(cell: str) -> bool:
    """Whether it is an answer to what was asked: forms are answered by redirects, done or not."""
    if cell.startswith("303"):
        return DID in cell
    return cell[0] == "2"


def _is_shown_again(cell: str, key: Key) -> bool:
    """The log-in form, to somebody whose name and password do not let in."""
    return cell == "422" and _plain(key) == "POST /login"
