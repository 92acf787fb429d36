"""Whatever only staff can do leaves a line in the admin log: every such call of every route is made.

Which calls those are, the tables beside this file say: cashiers or admins are served, and neither somebody
without a name, nor a buyer, nor a seller who asks for the same.
"""

from __future__ import annotations

import pytest

from tests.access.scene import Scene, furnished
from tests.access.tables import Interface, Key
from tests.access.test_access import ALL, did, kept
from tuckshop.store import admin_log

OTHERS = ("nobody", "buyer", "seller", "other")
STAFF = ("cashier", "admin")


def of_staff(interface: Interface) -> dict[Key, tuple[str, ...]]:
    """Every call that only staff can make, and who of them."""
    found = {}
    for key, row in kept(interface).items():
        served = tuple(who for who in STAFF if did(row.of(who)))
        if served and not any(did(row.of(who)) for who in OTHERS):
            found[key] = served
    return found


async def lines(scene: Scene, who: str) -> list[str]:
    """The actions of the log's lines that are this person's."""
    user_id = scene.people[who].caller.user_id
    rows = await scene.shop.rows("admin_log")
    return [row["action"] for row in rows if row["actor_id"] == user_id]


@ALL
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_every_call_of_staff_leaves_a_line(interface: Interface, database_url: str) -> None:
    calls, silent, wrong = of_staff(interface), [], []
    async with furnished(database_url) as scene:
        for key, ask in interface.rows(scene):
            for who in calls.get(key, ()):
                scene.api.running.staff_reads.clear()
                await scene.begin(ask.state)
                known = len(await lines(scene, who))
                await interface.ask(scene, key, ask, who)
                added = (await lines(scene, who))[known:]
                if not added:
                    silent.append(f"{key} by {who}")
                if key.method != "GET" and added and set(added) == {admin_log.READ}:
                    wrong.append(f"{key} by {who} is written down as if it had changed nothing")
                scene.may_have_changed()
    assert not silent, "\n".join(silent)
    assert not wrong, "\n".join(wrong)
