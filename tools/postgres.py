"""PostgreSQL servers of our own for tests and benchmarks: started in a temporary directory, gone afterwards.

    with Cluster({"shared_buffers": "256MB"}) as cluster:
        connect(cluster.create_database("shop"))

Standard library only. Run as a program it prints the directory of PostgreSQL's programs, or says what is
missing and exits with 1.
"""

import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Literal, Self
from urllib.parse import quote

StopMode = Literal["smart", "fast", "immediate"]

_STOP_SIGNALS: Mapping[StopMode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
_SUPERUSER = "tuckshop"
_PROGRAMS_NEEDED = ("initdb", "postgres", "createdb")
_START_SECONDS_MAX = 60.0  # Recovery after a crash under load takes seconds on a slow disk.
_STOP_SECONDS_MAX = 60.0
_PORT_TRIES_MAX = 10
# Below the ranges from which systems pick the ports of outgoing connections: one of those could take the port
# of a stopped server before it starts again.
_PORTS = range(20_000, 30_000)

# Waits until its standard input closes, which happens however the process that holds the other end dies.
_GUARD = """
cat >/dev/null
pid=$(head -n 1 data/postmaster.pid 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
cd / && rm -rf "$1"
"""


class PostgresMissing(Exception):
    """PostgreSQL's server programs are not on this computer; the message says how to provide them."""

    def __init__(self) -> None:
        super().__init__(
            f"PostgreSQL's server programs ({', '.join(_PROGRAMS_NEEDED)}) were not found. Install them "
            "(Debian, Ubuntu: apt-get install postgresql) or put their directory on PATH. The tests also "
            "take a server: TUCKSHOP_TEST_POSTGRES_URL=postgresql://user:password@host:5432/database"
        )


class PostgresFailed(Exception):
    """A program of PostgreSQL failed; the message ends with what it said."""


class Cluster:
    """One server with a database superuser named `tuckshop`, on 127.0.0.1 only, without passwords.

    UTF-8, locale C, as durable as PostgreSQL is by default. `settings` are server settings by name, such as
    `{"fsync": "off"}`. Its directory is made in `folder`, or where temporary files are. Entering the context
    starts the server; leaving it stops the server and removes its directory, and so does the end of this
    process, kill -9 included. Run by root, the programs run as `postgres`, or else as `nobody`.

    Raises: PostgresMissing without server programs; PostgresFailed when one of them refuses.
    """

    def __init__(
        self, settings: Mapping[str, str | int] | None = None, *, folder: Path | None = None
    ) -> None:
        self.settings = dict(settings or {})
        self._folder = folder
        self.programs = find_programs()
        self.port = 0
        self._account = _unprivileged_account()
        self._directory: Path | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="tuckshop-postgres-", dir=self._folder))
        try:
            self._make_directory()
            self._start_on_a_free_port()
        except BaseException:
            self._clean_up()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._clean_up()

    @property
    def directory(self) -> Path:
        """What belongs to this server: `data/` and `server.log`. Raises: RuntimeError outside the context."""
        if self._directory is None:
            raise RuntimeError("a Cluster has a directory only inside its `with` block")
        return self._directory

    @property
    def running(self) -> bool:
        """Whether the server's process is alive."""
        return self._server is not None and self._server.poll() is None

    def url(self, database: str = "postgres") -> str:
        """Say a database's address, whether it exists or not: `postgresql://tuckshop@127.0.0.1:PORT/NAME`."""
        return f"postgresql://{_SUPERUSER}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def create_database(self, name: str) -> str:
        """Make an empty database and return its URL. Raises: PostgresFailed if it exists or nothing runs."""
        self._run(
            "createdb",
            "--host=127.0.0.1",
            f"--port={self.port}",
            f"--username={_SUPERUSER}",
            "--no-password",
            "--",
            name,
        )
        return self.url(name)

    def start(self) -> None:
        """Start the stopped server again on the same port, and return when it takes connections.

        Raises: PostgresFailed when it does not come up; RuntimeError when it runs already.
        """
        if self.running:
            raise RuntimeError("the server runs already")
        settings = self.settings | {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
        }
        with (self.directory / "server.log").open("wb") as log:
            self._server = self._launch(
                str(self.programs / "postgres"),
                "-D",
                str(self.directory / "data"),
                *(f"--{name}={value}" for name, value in settings.items()),
                output=log,
            )
        self._wait_until_ready(self._server)

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server; does nothing to a stopped one.

        `smart` waits until the clients have left, `fast` sends them away, `immediate` is a crash: the next
        start recovers from the write-ahead log. Raises: PostgresFailed if it is still there after a minute.
        """
        if self._server is None:
            return
        if self.running:
            self._server.send_signal(_STOP_SIGNALS[mode])
        try:
            self._server.wait(_STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise PostgresFailed(f"PostgreSQL did not stop ({mode}) in {_STOP_SECONDS_MAX:.0f} s") from None
        self._server = None

    def _make_directory(self) -> None:
        if self._account is not None:
            os.chown(self.directory, self._account.pw_uid, self._account.pw_gid)
        self._guard = self._launch(
            "/bin/sh", "-c", _GUARD, "guard", str(self.directory), stdin=subprocess.PIPE
        )
        self._fill_data()
        (self.directory / "data" / "pg_hba.conf").write_text(
            "host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n"
        )

    def _fill_data(self) -> None:
        self._run(
            "initdb",
            f"--pgdata={self.directory / 'data'}",
            f"--username={_SUPERUSER}",
            "--encoding=UTF8",
            "--locale=C",
            "--auth=trust",
            "--no-sync",
        )

    def _start_on_a_free_port(self) -> None:
        for tries_left in reversed(range(_PORT_TRIES_MAX)):
            self.port = _free_port()
            try:
                self.start()
            except PostgresFailed as failure:
                # Another process may take the port between the look and the start.
                if not tries_left or "Address already in use" not in str(failure):
                    raise
            else:
                return

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS_MAX
        while time.monotonic() < deadline:
            if server.poll() is not None:
                self._server = None
                raise PostgresFailed(f"PostgreSQL did not start:\n{self._log_tail()}")
            if self._says_ready(server.pid):
                return
            time.sleep(0.02)
        self.stop("immediate")
        raise PostgresFailed(f"PostgreSQL was not ready in {_START_SECONDS_MAX:.0f} s:\n{self._log_tail()}")

    def _says_ready(self, pid: int) -> bool:
        """Read the state where pg_ctl reads it. A file of a killed predecessor has another process id."""
        try:
            lines = (self.directory / "data" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _log_tail(self) -> str:
        log = (self.directory / "server.log").read_text(errors="replace")
        return "\n".join(log.splitlines()[-20:])

    def _run(self, program: str, *arguments: str) -> None:
        process = self._launch(str(self.programs / program), *arguments, output=subprocess.PIPE)
        said, _ = process.communicate()
        if process.returncode:
            raise PostgresFailed(f"{program} failed:\n{said.decode(errors='replace').strip()}")

    def _launch(
        self,
        *command: str,
        stdin: int = subprocess.DEVNULL,
        output: int | IO[bytes] = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        account = self._account
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=output,
            stderr=output if output != subprocess.PIPE else subprocess.STDOUT,
            cwd=self.directory,
            # The caller's PGHOST, PGDATA, PGOPTIONS and their like are about another server.
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")}
            | {"LC_ALL": "C"},
            # Ctrl-C is for the tests, which then stop the server in their own order.
            start_new_session=True,
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=account and [],
        )

    def _clean_up(self) -> None:
        try:
            self.stop("immediate")
        finally:
            if self._guard is not None:
                # Not by closing its input: a forked child of this process may hold that open.
                os.killpg(self._guard.pid, signal.SIGKILL)
                self._guard.communicate()
            shutil.rmtree(self.directory, ignore_errors=True)
            self._guard = self._directory = None


class Standby(Cluster):
    """A server that follows another, and takes no changes: a copy of all its databases."""

    def __init__(self, primary: Cluster, settings: Mapping[str, str | int] | None = None) -> None:
        super().__init__(settings)
        self._primary = primary

    def _fill_data(self) -> None:
        # Its directory has the settings by which it finds the other: --write-recovery-conf.
        self._run(
            "pg_basebackup",
            f"--pgdata={self.directory / 'data'}",
            "--host=127.0.0.1",
            f"--port={self._primary.port}",
            f"--username={_SUPERUSER}",
            "--no-password",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--write-recovery-conf",
            "--no-sync",
        )


def find_programs() -> Path:
    """Find the directory of PostgreSQL's server programs: the newest that is installed, PATH last.

    Raises: PostgresMissing.
    """
    for directory in _program_directories():
        if all(os.access(directory / program, os.X_OK) for program in _PROGRAMS_NEEDED):
            return directory
    raise PostgresMissing


def _program_directories() -> Iterator[Path]:
    if pg_config := shutil.which("pg_config"):
        said = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        if said.returncode == 0:
            yield Path(said.stdout.strip())
    # Debian keeps the server's programs off PATH, one directory for each major version.
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent


def _version(directory: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", directory.parent.name)]


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Choose whom the programs run as, since PostgreSQL refuses root. None: as the caller."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresFailed("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def _free_port() -> int:
    for port in random.sample(_PORTS, k=100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise PostgresFailed(f"no free port was found between {_PORTS.start} and {_PORTS.stop}")


if __name__ == "__main__":
    try:
        print(find_programs())
    except PostgresMissing as missing:
        sys.exit(str(missing))
