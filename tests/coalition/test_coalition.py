"""R20: fresh accounts, guests and screens never take out more than they put in, and what the shop granted."""

from __future__ import annotations

import asyncio
import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.coalition.coalition import Coalition
from tests.coalition.stage import HALL, open_stage
from tests.planted.planting import VARIABLE
from tuckshop.domain.wallet import CoinsPolicy

PROOF = bool(os.environ.get("TUCKSHOP_PROOF"))
IS_PLANTED = VARIABLE in os.environ  # Then it is enough to find it.
EXAMPLES, STEPS = (500, 50) if PROOF else (50, 30)
EXAMPLES_MAX = 400  # Of the rarest planted bugs; most are found among the first.
HAPPENS = {
    "coins", "by bank", "products", "put in", "sold", "coins that were declared",
    "coins that a key has credited",
}  # fmt: skip
"""What every run must have seen: a coalition that does nothing takes out nothing."""


def play(url: str, mode: CoinsPolicy) -> set[str]:
    """What came about. Raises on the first cent too many."""
    came_about: set[str] = set()
    with asyncio.Runner() as runner:
        context = open_stage(url, mode)
        stage = runner.run(context.__aenter__())
        here = type("Here", (Coalition,), {"stage": stage, "runner": runner, "came_about": came_about})
        try:
            run_state_machine_as_test(
                here,
                settings=settings(
                    max_examples=EXAMPLES_MAX if IS_PLANTED else EXAMPLES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    derandomize=not (PROOF or IS_PLANTED),  # What a run has seen is the same each time.
                    suppress_health_check=list(HealthCheck),
                    phases=(Phase.generate,) if IS_PLANTED else tuple(Phase),
                    print_blob=True,
                ),
            )
        finally:
            runner.run(context.__aexit__(None, None, None))
    return came_about


@pytest.mark.parametrize("mode", list(CoinsPolicy))
@pytest.mark.proof
def test_nobody_takes_out_more_than_they_put_in(database_url: str, mode: CoinsPolicy) -> None:
    # At the small size hardly anybody undoes what was handed out.
    rare = {"undone"} if PROOF and mode is CoinsPolicy.SELF else set()
    assert play(database_url, mode) >= HAPPENS | rare


async def test_a_history_knows_no_guest_of_the_one_before(database_url: str) -> None:
    async with open_stage(database_url, CoinsPolicy.SELF) as stage, stage.client() as client:
        headers = {"Authorization": f"Machine {stage.keys[HALL]}"}
        body = {"guest": "door", "coins": {"100": 1}}
        await stage.begin()
        for _ in range(2):
            assert (await client.post("/v1/wallet/deposits", json=body, headers=headers)).status_code == 201
        assert stage.running.guest_ids == {"door": 1}
        await stage.begin()
        assert stage.running.guest_ids == {}
        # Whoever is first now has that id.
        body["guest"] = "window"
        assert (await client.post("/v1/wallet/deposits", json=body, headers=headers)).status_code == 201
        told = await client.post("/v1/wallet/payout", json={"guest": "door"}, headers=headers)
        assert told.status_code == 404
