"""PostgreSQL's part of a backup: its own programs, of the package `postgresql-client`."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop.operations.backups.files import BackupFailed
from tuckshop.store.engine import CONNECT_SECONDS_MAX, LOCK_SECONDS_MAX, postgres_dsn, reading

# What asyncpg and libpq call the same. Of the rest asyncpg makes settings of the session.
_SHARED = frozenset(
    {
        "host",
        "port",
        "dbname",
        "user",
        "passfile",
        "service",
        "sslmode",
        "sslcert",
        "sslkey",
        "sslrootcert",
        "sslcrl",
        "sslnegotiation",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "target_session_attrs",
        "krbsrvname",
        "gsslib",
    }
)
_SECRET = frozenset({"password", "sslpassword"})
_TROUBLE = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
_SAID_MAX = 300


class Server(NamedTuple):
    """Where the shop's tables are: the server's version as it says it, and their schema."""

    version: str
    schema: str

    @property
    def major(self) -> int:
        """Of the version: 15."""
        return int(self.version.partition(".")[0])


async def read_server(engine: AsyncEngine) -> Server:
    """What the backup's manifest says of the server. Raises DatabaseAway."""
    query = text("SELECT current_setting('server_version_num')::int, coalesce(current_schema(), '')")
    async with reading(engine) as connection:
        number, schema = (await connection.execute(query)).one()
    return Server(f"{number // 10_000}.{number % 10_000}", schema)


async def dump(url: str, server: Server, target: Path) -> None:
    """Writes what is committed by now of the shop's schema, in `pg_dump`'s own form. Raises BackupFailed."""
    schema = server.schema.replace('"', '""')
    await _run(
        "pg_dump",
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        f"--lock-wait-timeout={LOCK_SECONDS_MAX * 1_000}",
        # Of the schema's own definition nothing: where the backup is restored there is one.
        f'--table="{schema}".*',
        f"--file={target}",
        url=url,
        major=server.major,
    )


async def load(url: str, source: Path, *, major: int) -> None:
    """Restores all or nothing of a dump that a server of the version `major` made. Raises BackupFailed."""
    await _run(
        "pg_restore",
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        str(source),
        url=url,
        major=major,
    )
    # Without figures on the tables, the audit and the first hours of selling would be slow.
    with suppress(*_TROUBLE):
        await _execute(url, "ANALYZE")


@asynccontextmanager
async def temporary_database(url: str, *, schema: str) -> AsyncIterator[str]:
    """The URL of a new, empty database on the same server, which is dropped afterwards. Raises BackupFailed.

    The schema is there, even if it is not the one that new tables are made in.
    """
    name = f"tuckshop_check_{secrets.token_hex(8)}"
    try:
        await _execute(url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    except asyncpg.InsufficientPrivilegeError:
        raise BackupFailed(
            "The database's user may not create a database to restore the backup into. Grant CREATEDB, or set"
            " TUCKSHOP_DATABASE_URL to another server for this check."
        ) from None
    except _TROUBLE as error:
        raise BackupFailed(f"No database can be created to restore the backup into ({error}).") from None
    try:
        made = _with_database(url, name)
        quoted = schema.replace('"', '""')
        await _execute(made, f'CREATE SCHEMA IF NOT EXISTS "{quoted}"')
        yield made
    finally:
        with suppress(*_TROUBLE):
            await _execute(url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class _Address(NamedTuple):
    """Where libpq finds the database, without passwords, and what it is told in its environment."""

    uri: str
    environment: dict[str, str]


def _split(url: str) -> _Address:
    """The database's URL as libpq takes it. A password may not stand in a command, where `ps` shows it."""
    parts = urlsplit(postgres_dsn(url))
    told, at, hosts = parts.netloc.partition("@") if "@" in parts.netloc else ("", "", parts.netloc)
    user, _, password = told.partition(":")
    options = dict(parse_qsl(parts.query))
    password = unquote(password) or options.get("password", "")
    if "database" in options:
        options.setdefault("dbname", options.pop("database"))
    session = {name: value for name, value in options.items() if name not in _SHARED | _SECRET}
    shared = {name: value for name, value in options.items() if name in _SHARED}
    environment = {"LC_ALL": "C", "PGCONNECT_TIMEOUT": str(CONNECT_SECONDS_MAX)}
    if password:
        environment["PGPASSWORD"] = password
    if session:
        escaped = {name: re.sub(r"([ \\])", r"\\\1", value) for name, value in session.items()}
        environment["PGOPTIONS"] = " ".join(f"-c {name}={value}" for name, value in escaped.items())
    query = f"?{urlencode(shared, quote_via=quote)}" if shared else ""
    return _Address(f"{parts.scheme}://{user}{at}{hosts}{parts.path}{query}", environment)


def _with_database(url: str, name: str) -> str:
    parts = urlsplit(url)
    options = [(key, value) for key, value in parse_qsl(parts.query) if key not in ("dbname", "database")]
    return urlunsplit(parts._replace(path=f"/{name}", query=urlencode(options, quote_via=quote)))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(postgres_dsn(url), timeout=CONNECT_SECONDS_MAX)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _run(name: str, *arguments: str, url: str, major: int) -> None:
    program = shutil.which(name)
    if program is None:
        raise BackupFailed(
            f"{name} is missing. Install PostgreSQL's client programs of version {major} or newer (Debian and"
            f" Ubuntu: postgresql-client-{major})."
        )
    address = _split(url)
    process = await asyncio.create_subprocess_exec(
        program,
        "--no-password",
        f"--dbname={address.uri}",
        *arguments,
        env={**os.environ, **address.environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:  # Somebody has interrupted the command.
            process.kill()
            await process.wait()
    if process.returncode:
        raise BackupFailed(_explain(name, said.decode(errors="replace"), major))


def _explain(name: str, said: str, major: int) -> str:
    """What went wrong, from what the program said in English."""
    if "server version mismatch" in said or "unsupported version" in said:
        return (
            f"{name} is older than PostgreSQL {major}. Install PostgreSQL's client programs of version"
            f" {major} or newer (Debian and Ubuntu: postgresql-client-{major})."
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.partition("error: ")[2] for line in lines if "error: " in line]
    why = (errors or lines or ["no reason given"])[0].rstrip(".")
    return f"{name} failed ({why[:_SAID_MAX]})."
