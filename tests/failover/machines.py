"""Three database machines as deploy/patroni has them, each in a network namespace of its own, and HAProxy.

A machine is killed with all its processes, or its cable is pulled. Needs root and all PROGRAMS.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from tests.limits import HANG_SECONDS
from tools import loopback

PROGRAMS = ("ip", "setpriv", "etcd", "patroni", "haproxy")
DEPLOY = Path(__file__).parents[2] / "deploy" / "patroni"
ASK_SECONDS = 3.0
LOOK_SECONDS = 0.05
SETTLE_SECONDS = 3 * HANG_SECONDS  # A machine that was lost copies, or rewinds, and follows again.
_SUBNET = f"10.213.{os.getpid() % 250}"
_PREFIX = f"ts{os.getpid() % 100_000}"

# Waits until its standard input closes, which happens however the process that holds the other end dies.
_GUARD = """
cat >/dev/null
kill -KILL "$(cat "$3/haproxy.pid")"
for one in $1; do
    for pid in $(ip netns pids "$one"); do kill -KILL "$pid"; done
    ip link del "${one}c"
    ip netns del "$one"
done
ip link del "$2"
cd / && rm -rf "$3"
"""

View = list[tuple[str, str, str, int | None]]
"""The members of the cluster: name, role, state and timeline of each."""


class Unsettled(Exception):
    """The cluster has not become what it must; the message says what it is."""


def missing() -> str:
    """What this computer lacks for machines of their own; empty if nothing."""
    if os.geteuid() != 0:
        return "root"
    return ", ".join(name for name in PROGRAMS if shutil.which(name) is None)


@dataclass
class Machine:
    """One database machine. Its files outlive it."""

    number: int
    folder: Path
    _started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As Patroni knows it."""
        return f"db{self.number}"

    @property
    def address(self) -> str:
        """Where the others reach it."""
        return f"{_SUBNET}.{10 + self.number}"

    @property
    def namespace(self) -> str:
        """Its network."""
        return f"{_PREFIX}{self.name}"

    def pids(self, *, only: str = "") -> list[int]:
        """Its processes; `only` those of this name."""
        found = [int(pid) for pid in _told("ip", "netns", "pids", self.namespace).split()]
        return [pid for pid in found if not only or _command(pid) == only]

    def start(self) -> None:
        """Starts etcd and Patroni, which starts PostgreSQL."""
        for program, *rest in (
            ("etcd", "--config-file", str(self.folder / "etcd.yml")),
            ("patroni", str(self.folder / "patroni.yml")),
        ):
            with (self.folder / f"{program}.log").open("ab") as log:
                as_postgres = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
                self._started.append(
                    subprocess.Popen(
                        ["ip", "netns", "exec", self.namespace, *as_postgres, program, *rest],
                        cwd=self.folder,
                        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )

    def kill(self, *, only: str = "") -> None:
        """kill -9 to everything on it, or to all processes of one name."""
        while pids := self.pids(only=only):
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if only:
                break
        if not only:
            self.reap()

    def reap(self) -> None:
        """Returns when what was started on it is gone."""
        for one in self._started:
            one.wait()
        self._started.clear()

    def plug(self, *, is_in: bool) -> None:
        """Pulls the cable, or puts it back."""
        _run("ip", "link", "set", f"{self.namespace}c", "up" if is_in else "down")

    def stop_receiving(self) -> None:
        """What the leader sends is not taken any more; nobody is told."""
        for pid in self.receivers():
            os.kill(pid, signal.SIGSTOP)

    def receivers(self) -> list[int]:
        """The processes that take what the leader sends."""
        return [pid for pid in self.pids(only="postgres") if b"walreceiver" in _title(pid)]


@dataclass
class Site:
    """The machines and HAProxy. `passwords` by the names of their placeholders."""

    folder: Path
    machines: list[Machine]
    passwords: Mapping[str, str]
    leader_port: int
    replica_port: int

    def url(self, database: str = "tuckshop", *, port: int = 0) -> str:
        """The shop's database on whichever machine leads."""
        user, password = "tuckshop", self.passwords["SHOP_PASSWORD"]
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.leader_port}/{database}"

    @property
    def admin_url(self) -> str:
        """The same as superuser, past HAProxy."""
        password = self.passwords["SUPERUSER_PASSWORD"]
        return f"postgresql://postgres:{password}@{self.leader().address}:5432/postgres"

    def leader(self) -> Machine:
        """The machine that leads, as all others know too. Raises Unsettled."""
        views = self._views()
        names = {name for view in views for name, role, _, _ in view if role == "leader"}
        if len(names) != 1:
            raise Unsettled(f"who leads? {views}")
        return next(one for one in self.machines if one.name in names)

    def settle(self, *, is_synchronous: bool = True) -> Machine:
        """The leader, once all machines are there and follow it. Raises Unsettled."""
        deadline = time.monotonic() + SETTLE_SECONDS
        roles = ["leader", "replica", "sync_standby" if is_synchronous else "replica"]
        while time.monotonic() < deadline:
            views = self._views()
            # One that was away goes on believing what it knew until it has asked the others.
            if all(view == views[0] and _is_settled(view, roles) for view in views):
                return self.leader()
            time.sleep(LOOK_SECONDS)
        raise Unsettled(f"after {SETTLE_SECONDS:.0f} s: {self._views()}")

    def _views(self) -> list[View]:
        """The cluster as each machine knows it; empty for one that does not answer."""
        return [_view_of(machine) for machine in self.machines]

    def switch_over(self) -> None:
        """Another machine leads from now on, in good order."""
        leader = self.leader()
        self.change("/switchover", {"leader": leader.name}, method="POST")

    def change(self, path: str, body: object, *, method: str = "PATCH") -> None:
        """Has the leader's Patroni do something."""
        _ask(self.leader(), path, body=body, method=method, password=self.passwords["RESTAPI_PASSWORD"])


@contextmanager
def opened_site() -> Iterator[Site]:
    """Three machines that follow their leader, and HAProxy in front, for as long as the context lasts."""
    folder = Path(tempfile.mkdtemp(prefix="tuckshop-failover-"))
    folder.chmod(0o755)  # PostgreSQL's user goes through it.
    machines = [Machine(number, folder / f"db{number}") for number in (1, 2, 3)]
    words = ("SUPERUSER", "REPLICATION", "REWIND", "RESTAPI", "SHOP")
    passwords = {f"{word}_PASSWORD": secrets.token_hex(16) for word in words}
    ports = loopback.free_port(range(30_000, 31_000)), loopback.free_port(range(31_000, 32_000))
    site = Site(folder, machines, passwords, *ports)
    guard = subprocess.Popen(
        [
            "/bin/sh",
            "-c",
            _GUARD,
            "guard",
            " ".join(one.namespace for one in machines),
            f"{_PREFIX}lan",
            folder,
        ],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _lay_cables(machines)
        for machine in machines:
            _write_files(site, machine)
            machine.start()
        site.settle()
        with _haproxy(site):
            yield site
    finally:
        guard.communicate()  # It ends everything, as it would if we had been killed.
        for machine in machines:
            machine.reap()


def _lay_cables(machines: list[Machine]) -> None:
    lan = f"{_PREFIX}lan"
    _run("ip", "link", "add", lan, "type", "bridge")
    _run("ip", "address", "add", f"{_SUBNET}.1/24", "dev", lan)
    _run("ip", "link", "set", lan, "up")
    for one in machines:
        cable = f"{one.namespace}c"
        _run("ip", "netns", "add", one.namespace)
        _run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", one.namespace)
        _run("ip", "link", "set", cable, "master", lan, "up")
        _run("ip", "-n", one.namespace, "address", "add", f"{one.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _run("ip", "-n", one.namespace, "link", "set", device, "up")


def _write_files(site: Site, machine: Machine) -> None:
    """What deploy/patroni says, filled in as its README says."""
    for name in ("run", "etcd", ""):
        path = machine.folder / name
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.chown(path, "postgres", "postgres")
    places = _places(site) | {
        "NAME": machine.name,
        "ADDRESS": machine.address,
        "NETWORK": f"{_SUBNET}.0/24",
        "DATA_DIR": str(machine.folder / "data"),
        "RUN_DIR": str(machine.folder / "run"),
        "ETCD_DIR": str(machine.folder / "etcd"),
    }
    for name in ("etcd.yml", "patroni.yml"):
        path = machine.folder / name
        path.write_text(Template((DEPLOY / name).read_text()).substitute(places))
        path.chmod(0o600)
        shutil.chown(path, "postgres", "postgres")


def _places(site: Site) -> dict[str, str]:
    return {
        **site.passwords,
        **{f"NAME_{one.number}": one.name for one in site.machines},
        **{f"ADDRESS_{one.number}": one.address for one in site.machines},
        "LEADER_PORT": str(site.leader_port),
        "REPLICA_PORT": str(site.replica_port),
    }


@contextmanager
def _haproxy(site: Site) -> Iterator[None]:
    path = site.folder / "haproxy.cfg"
    path.write_text(Template((DEPLOY / "haproxy.cfg").read_text()).substitute(_places(site)))
    with (site.folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen(["haproxy", "-db", "-f", path], stdout=log, stderr=subprocess.STDOUT)
    pid_file = site.folder / "haproxy.pid"  # For the guard.
    pid_file.write_text(str(process.pid))
    try:
        yield
    finally:
        pid_file.unlink()
        process.kill()
        process.wait()


def _view_of(machine: Machine) -> View:
    with suppress(OSError, ValueError):
        members: list[dict[str, Any]] = _ask(machine, "/cluster")["members"]
        return sorted((one["name"], one["role"], one["state"], one.get("timeline")) for one in members)
    return []


def _is_settled(view: View, roles: list[str]) -> bool:
    return (
        sorted(role for _, role, _, _ in view) == roles
        and all(state in ("running", "streaming") for _, _, state, _ in view)
        and len({timeline for _, _, _, timeline in view}) == 1
    )


def _ask(
    machine: Machine, path: str, *, body: object = None, method: str = "GET", password: str = ""
) -> dict[str, Any]:
    """What its Patroni says, {} for what is no JSON. Raises OSError."""
    request = urllib.request.Request(f"http://{machine.address}:8008{path}", method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    if password:
        request.add_header(
            "Authorization", f"Basic {base64.b64encode(f'patroni:{password}'.encode()).decode()}"
        )
    seconds = ASK_SECONDS if method == "GET" else HANG_SECONDS
    with urllib.request.urlopen(request, timeout=seconds) as answer:
        told = answer.read()
    return dict(json.loads(told)) if told.startswith(b"{") else {}


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _title(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _told(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
