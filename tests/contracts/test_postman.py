"""The Postman collections, run by newman against a real server: every call of every contract, in order."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.conftest import speaking
from tests.limits import HANG_SECONDS, WALK_SECONDS
from tuckshop.api.contract import V1
from tuckshop.app import openapi_document, postman_collection
from tuckshop.dialects import NAMES
from tuckshop.dialects.shared.mounting import find
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.users import OPERATOR, Role
from tuckshop.identity import registration
from tuckshop.operations import machines as machine_operations

ROOT = Path(__file__).parents[2]
NEWMAN = ROOT / "tools" / "node" / "node_modules" / ".bin" / "newman"
PASSWORD = "an admin for newman"


def run(collection: dict[str, Any], folder: Path, **variables: str) -> None:
    """Fails with what newman says, unless every request was answered and every test passed."""
    assert NEWMAN.exists(), "newman is missing: `make test.more` installs it"
    path = folder / "collection.json"
    path.write_text(json.dumps(collection), encoding="utf-8")
    command = [
        str(NEWMAN),
        "run",
        str(path),
        "--color",
        "off",
        "--timeout-request",
        f"{HANG_SECONDS * 1000:.0f}",
    ]
    for name, value in variables.items():
        command += ["--env-var", f"{name}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WALK_SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


@pytest.mark.more
@pytest.mark.parametrize("dialect", [None, *NAMES])
async def test_a_walk_is_green(dialect: str | None, database_url: str, tmp_path: Path) -> None:
    async with speaking(database_url, dialect or "") as client:
        shop = client.api.running
        # Whom and what those contracts need that cannot make people or products themselves.
        roles = [Role.ADMIN, Role.BUYER]
        await registration.add(shop, username="the boss", email=None, password=PASSWORD, roles=roles)
        await client.api.shop.product("Walnuts")
        key = await machine_operations.new_key(shop, actor=OPERATOR, machine_id=DEFAULT_MACHINE_ID)
        collection = postman_collection(dialect, address=str(client.client.base_url))
        # Not in the server's own loop, which has to answer.
        variables = {"admin_name": "the boss", "admin_password": PASSWORD, "machine_key": key}
        await asyncio.to_thread(run, collection, tmp_path, **variables)


@pytest.mark.parametrize("dialect", [None, *NAMES])
def test_a_walk_leads_everywhere(dialect: str | None) -> None:
    walk = V1.walk if dialect is None else find(dialect).contract.walk
    paths = openapi_document(dialect)["paths"].values()
    named = {operation["operationId"] for item in paths for operation in item.values()}
    # Other addresses of the same thing have its name and a number; events have no end.
    wanted = {name for name in named if not name[-1].isdigit()} - {"streamEvents"}
    assert {step.operation_id for step in walk} == wanted
