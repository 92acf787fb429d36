"""Checks the files that containers are made and run by: `python -m tools.deploy`.

The Dockerfile's style (hadolint); compose.yaml and the workflows by their schemas; the manifests of each
overlay of deploy/kubernetes, as `kubectl kustomize` makes them, by the schemas of the oldest and the newest
Kubernetes that they are for. Nothing is fetched.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent  # Those that come with the pins.
OVERLAYS = Path("deploy", "kubernetes", "overlays")
KUBERNETES = ("1.31", "1.36")  # unhealthyPodEvictionPolicy is for everybody since 1.31.


def main() -> int:
    """Prints what is wrong; 1 if anything is."""
    wrong = [*commands(), *manifests()]
    for one in wrong:
        print(one, file=sys.stderr)
    return 1 if wrong else 0


def commands() -> Iterator[str]:
    """What the linters of single files say."""
    workflows = [str(path) for path in sorted(Path(".github", "workflows").glob("*.yml"))]
    yield from said("hadolint", "--no-color", "Dockerfile")
    yield from said("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")
    yield from said("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)


def manifests(root: Path = ROOT) -> Iterator[str]:
    """What is wrong with the files of Kubernetes, each and put together."""
    for path in sorted((root / "deploy" / "kubernetes").rglob("*.yaml")):
        try:
            list(yaml.safe_load_all(path.read_text()))
        except yaml.YAMLError as error:
            yield f"{path.relative_to(root)}: {error}"
    if shutil.which("kubectl") is None:
        print("kubectl is not installed: deploy/kubernetes is only checked to be YAML.")
        return
    for overlay in sorted((root / OVERLAYS).iterdir()):
        made = subprocess.run(["kubectl", "kustomize", overlay], capture_output=True, text=True, check=False)
        if made.returncode:
            yield f"kubectl kustomize {overlay.relative_to(root)}: {made.stderr.strip()}"
            continue
        for version in KUBERNETES:
            words = ("--strict", "--quiet", "--kubernetes-version", version, "-")
            found = said("kubernetes-validate", *words, given=made.stdout)
            yield from (f"{overlay.relative_to(root)}: {one}" for one in found)


def said(program: str, *arguments: str, given: str | None = None) -> Sequence[str]:
    """What a program printed where it found something; nothing where it did not."""
    done = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=ROOT,
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        check=False,
    )
    return [] if done.returncode == 0 else [f"{program}: {(done.stdout + done.stderr).strip()}"]


if __name__ == "__main__":
    sys.exit(main())
