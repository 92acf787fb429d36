"""Images without a daemon: built by buildah on a base that debootstrap makes, and run confined. Needs root.

A container here is a process in namespaces of its own (mounts, processes). Its root file system is the
image's, mounted read-only; its user is the image's number; it gets no new privileges. The network is this
computer's.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.limits import HANG_SECONDS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "images"  # Kept for the next time; gigabytes, since each layer is a whole copy.
BASE = "localhost/tuckshop-base:1"
SUITE = "bookworm"
PACKAGES = "python3,python3-venv,ca-certificates"  # What python:3.11-slim has.
PIP_SETTINGS = {"cert", "extra-index-url", "index-url", "timeout", "trusted-host"}
BUILD_SECONDS_MAX = 3_600
CONFINED = """
set -eu
root=$1 home=$2 settings=$3 user=$4
shift 4
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --bind "$home" "$root/var/lib/tuckshop"
mount --bind "$settings" "$root/etc/tuckshop"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" env -i -C /app "$@"
"""


class Failed(Exception):
    """A program failed; the message ends with what it said."""


def buildah(*words: str) -> str:
    """What buildah prints. Raises: Failed."""
    store = ["--root", f"{FOLDER}/store", "--runroot", f"{FOLDER}/run", "--storage-driver", "vfs"]
    return run("buildah", *store, *words)


def run(*words: str) -> str:
    """What a program prints. Raises: Failed."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=BUILD_SECONDS_MAX, check=False)
    if done.returncode:
        raise Failed(f"{shlex.join(words)}:\n{(done.stdout + done.stderr)[-4_000:]}")
    return done.stdout


def make_base() -> None:
    """The image that all stages are built on, where it is not there yet."""
    if BASE in buildah("images", "--format", "{{.Name}}:{{.Tag}}"):
        return
    system = FOLDER / "base"
    if not (system / "usr" / "bin" / "python3").exists():
        shutil.rmtree(system, ignore_errors=True)
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(system))
    container = buildah("from", "scratch").strip()
    buildah("add", "--quiet", container, str(system), "/")
    buildah("commit", "--quiet", "--format", "docker", "--rm", container, BASE)


def build(stage: str, folder: Path) -> Image:
    """Builds a stage. pip reaches its registry there as it does here: `folder` has its settings meanwhile."""
    settings, volumes = pip_settings()
    (folder / "pip.conf").write_text(settings)
    words = ["bud", "--isolation", "chroot", "--format", "docker", "--layers", "--pull-never"]
    words += ["--build-arg", f"BASE_IMAGE={BASE}", "--secret", f"id=pip,src={folder}/pip.conf"]
    words += [f"--volume={path}:{path}:ro" for path in volumes]
    buildah(*words, "--target", stage, "--tag", f"localhost/tuckshop:{stage}", str(ROOT))
    container = buildah("from", "--pull-never", f"localhost/tuckshop:{stage}").strip()
    config = json.loads(buildah("inspect", "--type", "image", f"localhost/tuckshop:{stage}"))["Docker"][
        "config"
    ]
    return Image(container, Path(buildah("mount", container).strip()), config)


def pip_settings() -> tuple[str, Sequence[str]]:
    """How pip here reaches its registry, as a pip.conf, and the folders of certificates that it trusts."""
    found = {}
    for line in run("python3", "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        [value] = shlex.split(value)
        found[name.rpartition(".")[2]] = " ".join(one for one in value.split() if not one.startswith("file:"))
    kept = {name: value for name, value in found.items() if name in PIP_SETTINGS and value}
    text = "".join(f"{name} = {value}\n" for name, value in kept.items())
    return f"[global]\n{text}", [str(Path(kept["cert"]).parent)] if "cert" in kept else []


@dataclass(frozen=True)
class Image:
    """A stage that is built, and its files.

    `config`: what Docker knows of it (`User`, `Env`, `Entrypoint`, ...).
    """

    container: str
    files: Path
    config: Mapping[str, Any]

    def remove(self) -> None:
        """Removes the files that tests looked at; the image itself is kept."""
        buildah("rm", self.container)

    def command(self, home: Path, words: Sequence[str], settings: Mapping[str, str]) -> list[str]:
        """What runs `words` confined, with `home` as the volume, and `settings` beside the image's."""
        folder = home.parent / "settings"  # What lies there is read as /etc/tuckshop/tuckshop.env.
        folder.mkdir(exist_ok=True)
        os.chown(home, *map(int, self.config["User"].split(":")))
        environment = [*self.config["Env"], *(f"{name}={value}" for name, value in settings.items())]
        confined = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", CONFINED, "confined"]
        places = [str(self.files), str(home), str(folder), self.config["User"]]
        return [*confined, *places, *environment, *words]

    def says(self, home: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """How a program in the image ended."""
        return subprocess.run(
            self.command(home, words, settings),
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS_MAX,
            check=False,
        )

    @contextmanager
    def running(self, home: Path, **settings: str) -> Iterator[Running]:
        """The image's own command, as process 1; killed at the end if it is still there."""
        words = [*self.config["Entrypoint"], *self.config["Cmd"]]
        with (home.parent / f"{home.name}.log").open("w+") as log:
            process = subprocess.Popen(self.command(home, words, settings), stdout=log, stderr=log)
            try:
                yield Running(process, Path(log.name))
            finally:
                process.kill()
                process.wait()


@dataclass(frozen=True)
class Running:
    """A container that runs."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def first(self) -> int:
        """Process 1 of the container, by its number here."""
        outside = self.process.pid
        return int(Path(f"/proc/{outside}/task/{outside}/children").read_text().split()[0])

    def status(self, name: str) -> str:
        """A line of what the kernel says of process 1, such as `NoNewPrivs`."""
        for line in Path(f"/proc/{self.first}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return line.partition(":")[2].strip()
        raise KeyError(name)

    def stop(self) -> tuple[int, float]:
        """Sends process 1 SIGTERM, as Docker and Kubernetes do: how it ended, and after how many seconds."""
        begun = time.monotonic()
        os.kill(self.first, signal.SIGTERM)
        code = self.process.wait(HANG_SECONDS)
        return code, time.monotonic() - begun
