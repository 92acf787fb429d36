"""An install takes the pins and nothing else, whatever has been released since, with pips of every age.

The Makefile's own recipes run in a small project, whose registry is a folder of packages made here.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The first that came with Python 3.11, Debian 12's, and the newest of 2026. They come from a registry.
PIPS = {
    "22.3": "1daab4b8d3b97d1d763caeb01a4640a2250a0ea899e257b1e44b9eded91e15ab",
    "23.0.1": "236bcb61156d76c4b8a05821b988c7b8c35bf0da28a4b614e8d6ab5212c25c6f",
    "26.3": "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13",
}
ONLY_BEFORE_3_12 = {"22.3", "23.0.1"}

# What builds the packages below: it hands out the wheel that lies beside it, and leaves a trace.
BACKEND = """
import os, pathlib, shutil
def build_wheel(folder, *_):
    pathlib.Path(os.environ["BUILT"]).touch()
    [wheel] = pathlib.Path.cwd().glob("*.whl")
    shutil.copy(wheel, folder)
    return wheel.name
build_editable = build_wheel
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@dataclass(frozen=True)
class Project:
    """A folder with the Makefile, and a registry that its install asks."""

    folder: Path
    registry: Path

    def release(self, name: str, version: str, *requires: str, extra: str = "", script: str = "") -> str:
        """Puts a wheel into the registry; its pin."""
        return _pin(
            self.registry / f"{name}-{version}-py3-none-any.whl",
            _wheel(name, version, requires, extra, script),
        )

    def release_source(self, name: str, version: str) -> str:
        """Puts a package into the registry that must be built; its pin."""
        inside = {
            "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
            "pyproject.toml": PYPROJECT.encode(),
            "backend.py": BACKEND.encode(),
            f"{name}-{version}-py3-none-any.whl": _wheel(name, version),
        }
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for file, content in inside.items():
                member = tarfile.TarInfo(f"{name}-{version}/{file}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return _pin(self.registry / f"{name}-{version}.tar.gz", packed.getvalue())

    def pin(self, running: Sequence[str], developing: Sequence[str] = ()) -> None:
        """Writes the pins."""
        (self.folder / "requirements.txt").write_text("".join(running))
        (self.folder / "requirements-dev.txt").write_text("".join([*running, *developing]))
        (self.folder / "constraints.txt").touch()

    def bring(self, pip: Path | None) -> None:
        """Makes the environment with the pip of this wheel in it, or with the one that runs here."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.folder / ".venv"], check=True)
        [packages] = self.folder.glob(".venv/lib/python*/site-packages")
        if pip is None:
            here = Path(str(distribution("pip").locate_file("pip")))
            for part in (here, *here.parent.glob("pip-*.dist-info")):
                (packages / part.name).symlink_to(part)
        else:
            with zipfile.ZipFile(pip) as wheel:
                wheel.extractall(packages)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs make as on a computer on which nothing is set."""
        theirs = ("PIP_", "MAKE", "MFLAGS", "PYTHON", "VIRTUAL_ENV", "COV_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
        environment |= {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.registry),
            "PIP_CONFIG_FILE": os.devnull,
        }
        environment |= {"PIP_NO_CACHE_DIR": "1", "PIP_NO_COMPILE": "1", "BUILT": str(self.built)}
        return subprocess.run(
            ["make", *arguments, f"PYTHON={sys.executable}"],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def built(self) -> Path:
        """There once something was built."""
        return self.folder / "built"

    def installed(self) -> Mapping[str, str]:
        """Versions by name, but for what every environment has."""
        listed = (
            "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
        )
        python = self.folder / ".venv" / "bin" / "python"
        said = subprocess.run([python, "-I", "-c", listed], capture_output=True, text=True, check=True).stdout
        versions = dict(one.split("==") for one in said.split())
        return {name: version for name, version in versions.items() if name not in {"pip", "setuptools"}}


def _pin(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    name, version = path.name.removesuffix(".tar.gz").split("-")[:2]
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"


def _wheel(name: str, version: str, requires: Sequence[str] = (), extra: str = "", script: str = "") -> bytes:
    about = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {one}\n" for one in requires)
    metadata += f"Provides-Extra: {extra}\n" if extra else ""
    files = {
        f"{name}.py": "",
        f"{about}/METADATA": metadata,
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        files[f"{name}-{version}.data/scripts/{name}"] = f"#!python\n{script}"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file, content in files.items():
            member = zipfile.ZipInfo(file)
            member.external_attr = 0o100755 << 16  # A script that nobody may run is of no use.
            archive.writestr(member, content)
        record = [f"{file},sha256={_digest(content)},{len(content)}\n" for file, content in files.items()]
        archive.writestr(f"{about}/RECORD", "".join(record) + f"{about}/RECORD,,\n")
    return packed.getvalue()


def _digest(content: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()


def _pip(version: str, folder: Path) -> Path:
    """The wheel of a pip, as the computer's own pip fetches it."""
    asked = folder / "pip.txt"
    asked.write_text(f"pip=={version} --hash=sha256:{PIPS[version]}\n")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--require-hashes", "--requirement", str(asked), "--dest", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / f"pip-{version}-py3-none-any.whl"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which nothing is installed."""
    made = Project(tmp_path / "project", tmp_path / "registry")
    made.folder.mkdir()
    made.registry.mkdir()
    (made.folder / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    (made.folder / "pyproject.toml").write_text(f'{PYPROJECT}[project]\nname = "shop"\nversion = "1"\n')
    (made.folder / "backend.py").write_text(BACKEND)
    (made.folder / "shop-1-py3-none-any.whl").write_bytes(_wheel("shop", "1", ["leaf>=1"]))
    return made


def _with_pip(version: str) -> object:
    too_old = pytest.mark.skipif(
        sys.version_info >= (3, 12), reason="this pip runs on no Python later than 3.11"
    )
    return pytest.param(
        version, marks=[pytest.mark.more, *([too_old] if version in ONLY_BEFORE_3_12 else [])]
    )


@pytest.mark.parametrize("pip", ["the one here", *map(_with_pip, PIPS)])
def test_takes_the_pins_whatever_has_been_released_since(project: Project, pip: str, tmp_path: Path) -> None:
    project.bring(_pip(pip, tmp_path) if pip in PIPS else None)
    leaf = project.release("leaf", "1.0")
    cover = project.release(
        "cover", "7.10.6", "tomli; extra == 'toml' and python_version < '3.11'", extra="toml"
    )
    plugin = project.release("plugin", "7.1.0", "cover[toml]>=7.10.6", "leaf")
    project.release("leaf", "1.1")
    project.release("cover", "7.17.5", "tomli; extra == 'toml' and python_version < '3.11'", extra="toml")
    project.release("plugin", "7.2.0", "cover[toml]>=7.17", "unheard")
    project.pin([leaf], [cover, plugin])

    done = project.make("build")
    assert done.returncode == 0, done.stderr
    assert project.installed() == {"shop": "1", "leaf": "1.0"}
    made = {path.name for path in (project.folder / "dist").iterdir()}
    assert made == {"shop-1-py3-none-any.whl", "constraints.txt"}

    done = project.make("venv")
    assert done.returncode == 0, done.stderr
    assert project.installed() == {"shop": "1", "leaf": "1.0", "cover": "7.10.6", "plugin": "7.1.0"}

    # Ready at once: nothing is left to do but to run.
    assert project.make("-n", "run").stdout == "exec .venv/bin/tuckshop demo\n"


@pytest.mark.more
def test_says_what_the_pins_forgot(project: Project) -> None:
    project.bring(None)
    plugin = project.release("plugin", "7.1.0", "unheard")
    project.release("unheard", "1.0")
    project.pin([project.release("leaf", "1.0"), plugin])

    for _ in range(2):  # Asked again, it does not take the environment for finished.
        done = project.make("venv")
        assert done.returncode != 0
        assert "plugin 7.1.0 requires unheard, which is not installed." in done.stderr
    assert project.installed() == {"shop": "1", "leaf": "1.0", "plugin": "7.1.0"}


@pytest.mark.more
def test_takes_no_file_that_the_pins_do_not_know(project: Project) -> None:
    project.bring(None)
    pin = project.release("leaf", "1.0")
    project.release("leaf", "1.0", "unheard")

    for pinned, said in ((pin, "THESE PACKAGES DO NOT MATCH"), ("leaf==1.0\n", "Hashes are required")):
        project.pin([pinned])
        done = project.make("venv")
        assert done.returncode != 0
        assert said in done.stderr
    assert project.installed() == {}


@pytest.mark.more
def test_builds_nothing_unless_asked_to(project: Project) -> None:
    project.bring(None)
    project.pin([project.release("leaf", "1.0"), project.release_source("rough", "1.0")])

    done = project.make("venv")
    assert done.returncode != 0
    assert "No matching distribution found for rough==1.0" in done.stderr
    assert project.installed() == {}
    assert not project.built.exists()

    assert project.make("venv", "WHEELS=").returncode == 0
    assert project.installed() == {"shop": "1", "leaf": "1.0", "rough": "1.0"}
    assert project.built.exists()


@pytest.mark.more
def test_pins_are_compiled_by_the_pinned_compiler(project: Project) -> None:
    project.bring(None)
    script = "import sys\nopen(sys.argv[-1], 'w').write('compiled by {}')\n"
    uv = project.release("uv", "1.0", script=script.format("1.0"))
    project.release("uv", "2.0", script=script.format("2.0"))
    project.pin([project.release("leaf", "1.0")], [f"{uv}    # via somebody\n"])

    done = project.make("requirements.txt")
    assert done.returncode == 0, done.stderr
    assert (project.folder / "requirements.txt").read_text() == "compiled by 1.0"
    assert (project.folder / "requirements-dev.txt").read_text() == "compiled by 1.0"
    assert (project.folder / "constraints.txt").read_text() == "compiled by 1.0"
    assert project.installed() == {"uv": "1.0"}


def _pins(name: str) -> Mapping[str, Sequence[str]]:
    """Hashes by requirement."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.lstrip().startswith("#")]
    told = " ".join(line.strip(" \\") for line in lines).replace(" --hash", "\t--hash")
    pins = [one.split("\t") for one in re.split(r" (?=[a-z0-9-]+==)", told)]
    return {requirement: hashes for requirement, *hashes in pins}


def test_pins_for_running_are_among_those_for_development() -> None:
    running, developing = _pins("requirements.txt"), _pins("requirements-dev.txt")
    assert all(re.match(r"[a-z0-9-]+==\d[a-z0-9.]*( ;|$)", one) for one in developing)
    assert all(developing.values())
    assert {one: developing.get(one) for one in running} == running

    with_extras = _pins("requirements-extras.txt")  # What the image has.
    assert {one: developing.get(one) for one in with_extras} == with_extras
    assert {one: with_extras.get(one) for one in running} == running


def test_the_wheels_constraints_are_the_pins() -> None:
    """Of what it needs, and of all its extras."""
    constrained = _pins("constraints.txt").keys()
    assert constrained <= _pins("requirements-dev.txt").keys()
    assert {one.partition("==")[0] for one in _pins("requirements.txt").keys() - constrained} == {
        "setuptools"
    }
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = {re.split("[^a-z0-9-]", one)[0] for extra in extras.values() for one in extra}
    assert wanted
    assert wanted <= {one.partition("==")[0] for one in constrained}


def test_npm_is_told_every_file_and_no_address() -> None:
    folder = ROOT / "tools" / "node"
    asked = json.loads((folder / "package.json").read_text())
    lock = json.loads((folder / "package-lock.json").read_text())["packages"]
    here = lock.pop("")
    assert here["devDependencies"] == asked["devDependencies"]
    for version in {**asked["devDependencies"], **asked["overrides"]}.values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    for path, package in lock.items():
        assert {"version", "integrity"} <= package.keys(), path
        assert "resolved" not in package, path
        # npm looks a tag, such as "latest", up again where no address is locked, and that of Debian 12 fails
        # at one that is overridden. So it is overridden, and the lock is edited to ask for a range instead.
        ranges = {**package.get("dependencies", {}), **package.get("peerDependencies", {})}
        assert all(re.match(r"[\^~<>=*\d]", one) for one in ranges.values()), path
