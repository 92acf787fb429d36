"""From the wheel, in an empty environment and another folder, by the README's own lines: the demo sells."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.cli.server import serving
from tests.limits import WALK_SECONDS
from tests.tools.wheel import ROOT, build
from tuckshop.demo.data import SHOP

pytestmark = [pytest.mark.more, pytest.mark.xdist_group("wheel")]

INSTALLERS = {
    "pip": ("venv/bin/pip ", "venv/bin/tuckshop"),
    "pipx": ("pipx ", "bin/tuckshop"),
    "uv": ("uv ", "bin/tuckshop"),
}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, and its constraints beside it."""
    return build(tmp_path_factory.mktemp("build"))


def _lines(start: str) -> str:
    """The README's lines that install with this program."""
    told = (ROOT / "README.md").read_text().partition("## Install\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", told, flags=re.MULTILINE | re.DOTALL)
    [block] = [block for block in blocks if re.search(f"^{start}", block, flags=re.MULTILINE)]
    return str(block)


@pytest.mark.parametrize("installer", INSTALLERS)
def test_the_demo_sells_from_the_wheel(installer: str, dist: Path, tmp_path: Path) -> None:
    start, program = INSTALLERS[installer]
    here = Path(sys.executable).parent
    home = tmp_path / "home"
    shutil.copytree(dist, home)
    if installer == "pipx" and shutil.which("pipx") is None:
        (home / "pipx").write_text('#!/bin/sh\nexec uv tool run pipx "$@"\n')
        (home / "pipx").chmod(0o700)
    theirs = ("TUCKSHOP_", "PYTHON", "VIRTUAL_ENV", "COV_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    environment |= {"HOME": str(home), "PATH": f"{os.environ['PATH']}:{here}:{home}"}
    environment |= {"PIPX_HOME": str(home / "venvs"), "PIPX_BIN_DIR": str(home / "bin")}
    environment |= {"UV_TOOL_DIR": str(home / "tools"), "UV_TOOL_BIN_DIR": str(home / "bin")}
    done = subprocess.run(
        ["bash", "-ec", _lines(start)],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WALK_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with serving(
        "demo", cwd=elsewhere, program=(str(home / program),), home=str(tmp_path / "shop")
    ) as server:
        _buy(server.url)
        assert "Insert" in httpx.get(server.url).text
        assert "Münzen" in httpx.get(server.url, headers={"Accept-Language": "de"}).text
    assert not [*elsewhere.iterdir()]


def _buy(url: str) -> None:
    with httpx.Client(base_url=f"{url}/v1") as ada:
        login = {"username": SHOP.buyers[0], "password": SHOP.password}
        token = ada.post("/auth/login", json=login).raise_for_status().json()["access"]
        ada.headers["Authorization"] = f"Bearer {token}"
        ada.post("/wallet/deposits", json={"coins": {"100": 5}}).raise_for_status()
        products = ada.get("/products").raise_for_status().json()["items"]
        product = next(one for one in products if one["stock"])
        assert product["image"] is None or ada.get(f"{url}{product['image']}").status_code == 200
        order = {"lines": [{"product": product["id"], "quantity": 1}]}
        bought = ada.post("/orders", json=order).raise_for_status().json()
        assert bought["total"] == product["price"]
