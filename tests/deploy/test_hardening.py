"""What runs in containers may do no more than it must: every service, pod and workflow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").rglob("*.yaml"))
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")
}
TARGETS = set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
# Programs of others that begin as root: what they need to become somebody else.
BEGIN_AS_ROOT = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "NET_BIND_SERVICE", "SETGID", "SETUID"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert set(service.get("cap_add", [])) <= BEGIN_AS_ROOT
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "healthcheck" in service or name == "web"  # The image has its own.
    assert not {"privileged", "network_mode", "pid"} & service.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_secret_in_its_environment(name: str) -> None:
    environment = SERVICES[name].get("environment", {})
    for variable, value in environment.items():
        if re.search("PASSWORD|SECRET|TOKEN", variable):
            assert str(value).startswith("/run/secrets/"), variable
    assert environment.get("POSTGRES_HOST_AUTH_METHOD") is None or name == "testdb"


def test_what_listens_does_so_on_this_computer_unless_told() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert name == "nginx" or re.match(r"\$\{[A-Z_]+:-127\.0\.0\.1:", port), (name, port)


def test_the_shop_starts_on_a_migrated_database() -> None:
    assert SERVICES["web"]["depends_on"] == {
        "db": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }
    assert {name: service.get("profiles") for name, service in SERVICES.items()} == {
        "db": None,
        "migrate": None,
        "web": None,
        "nginx": ["edge"],
        "prometheus": ["watch"],
        "grafana": ["watch"],
        "redis": ["redis"],
        "dev": ["dev"],
        "unittest": ["test"],
        "testdb": ["test"],
    }


def test_every_image_has_a_version() -> None:
    texts = [ROOT / "compose.yaml", ROOT / "Dockerfile", *MANIFESTS]
    assert [path for path in texts if re.search(r":latest\b", path.read_text())] == []
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text()):
            for image in (document or {}).get("images", []):
                assert re.fullmatch(r"\d+\.\d+\.\d+", image["newTag"]), path


def pods() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every whole pod that the manifests describe, and the parts that an overlay adds to one."""
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text()):
            if document["kind"] in {"Deployment", "Job"}:
                yield str(path.relative_to(ROOT)), document["spec"]["template"]["spec"]


@pytest.mark.parametrize(("path", "pod"), list(pods()), ids=[path for path, _ in pods()])
def test_a_pod_is_confined(path: str, pod: Mapping[str, Any]) -> None:
    is_patch = "overlays" in path and path.endswith("deployment.yaml")
    if not is_patch:
        assert pod["automountServiceAccountToken"] is False
        # A service named tuckshop would set TUCKSHOP_PORT and more, which are settings.
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    containers = [*pod.get("initContainers", []), *(() if is_patch else pod["containers"])]
    assert containers
    for container in containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]
        assert "env" not in container  # Secrets come by reference, as a file.


def test_the_image_runs_as_the_number_that_the_manifests_name() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    prod = dockerfile.rpartition("\nFROM ")[2]
    assert prod.startswith("shop AS prod\n")  # The default, too: it is the last.
    assert prod.rstrip().endswith("\nUSER 10001:10001")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read(name: str) -> None:
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 120
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", step["uses"])
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"] == {"persist-credentials": False}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_makes_what_there_is_to_make(name: str) -> None:
    steps = [step for job in WORKFLOWS[name]["jobs"].values() for step in job["steps"]]
    made = [
        target
        for step in steps
        for line in step.get("run", "").splitlines()
        if line.startswith("make ")
        for target in line.split()[1:]
    ]
    assert made
    assert set(made) <= TARGETS | {"requirements.txt"}


def test_the_targets_that_pages_name_are_there() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs" / "run").glob("*.md")]
    told = {
        name for page in pages for name in re.findall(r"make ((?:docker/|proof\.)[a-z/]+)", page.read_text())
    }
    assert "docker/compose/up" in told
    assert told <= TARGETS


def test_the_targets_of_the_documents_are_there() -> None:
    named = {f"docker/compose/{name}" for name in ("up", "build", "migrate", "makemigrations", "unittest")}
    assert named <= TARGETS
