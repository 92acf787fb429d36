"""The small programs beside the images: what buys from them, the documents' commands, and checks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.server import serving
from tools import deploy
from tools.purchase import Failed, purchase
from tuckshop.cli.main import cli

ROOT = Path(__file__).parents[2]
MANAGE = ROOT / "deploy" / "docker" / "manage.py"


@pytest.fixture
def shop_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a new shop."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUCKSHOP_HOME", str(tmp_path))
    monkeypatch.delenv("TUCKSHOP_DATABASE_URL", raising=False)
    monkeypatch.delenv("TUCKSHOP_SECRET", raising=False)
    cli(["init"], standalone_mode=False)
    return tmp_path


def test_buys_from_a_shop_that_sells_to_strangers(shop_home: Path) -> None:
    with serving(
        "serve", cwd=shop_home, home=str(shop_home), coins="self", seller_registration="open"
    ) as server:
        said = purchase(server.url)
        assert said.startswith("Bought two of Cola ")
        assert purchase(server.url) != said  # As often as one likes.


def test_says_what_the_shop_answered_where_it_does_not_sell(shop_home: Path) -> None:
    with (
        serving("serve", cwd=shop_home, home=str(shop_home), seller_registration="open") as server,
        pytest.raises(Failed, match=r"POST /v1/wallet/deposits: 403 .*urn:tuckshop:problem:"),
    ):
        purchase(server.url)


def manage(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, MANAGE, *words], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_adds_products_as_the_documents_say(shop_home: Path) -> None:
    assert manage("add_products", cwd=shop_home).stdout.startswith("10 added, 0 changed")
    assert manage("add_products", cwd=shop_home).stdout.startswith("0 added, 0 changed")
    assert manage("migrate", cwd=shop_home).stdout.startswith("The database is up to date")
    for words in ((), ("flush",), ("migrate", "--plan")):
        refused = manage(*words, cwd=shop_home)
        assert refused.returncode == 1
        assert refused.stderr.startswith("Use one of: add_products, migrate.")


def test_finds_manifests_that_are_not_yaml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = tmp_path / "deploy" / "kubernetes" / "overlays" / "one"
    base.mkdir(parents=True)
    (base / "kustomization.yaml").write_text("resources: [\n")
    programs = shutil.which
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "which", lambda name: None if name == "kubectl" else programs(name))
        [wrong] = deploy.manifests(tmp_path)
    assert wrong.startswith("deploy/kubernetes/overlays/one/kustomization.yaml: ")
    assert capsys.readouterr().out.startswith("kubectl is not installed")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_finds_fields_that_kubernetes_does_not_have(tmp_path: Path) -> None:
    one = tmp_path / "deploy" / "kubernetes" / "overlays" / "one"
    one.mkdir(parents=True)
    (one / "kustomization.yaml").write_text("resources: [service.yaml]\n")
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {prots: [{port: 80}]}\n"
    (one / "service.yaml").write_text(service)
    wrong = list(deploy.manifests(tmp_path))
    assert len(wrong) == len(deploy.KUBERNETES)
    assert all("prots" in text for text in wrong)

    (one / "service.yaml").write_text(service.replace("prots", "ports"))
    assert list(deploy.manifests(tmp_path)) == []
