"""What can be wrong with a database, each with a stable word, one clear sentence and what to do about it.

This is the one table of causes: starting, readiness, the log, the command line and the till all ask it. An
error that is not in it is a defect of the code.
"""

from __future__ import annotations

import errno
import sqlite3
import ssl
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tuckshop.store import sessions

URL_FORMS = "TUCKSHOP_DATABASE_URL must look like sqlite:///path or postgresql://user@host/database"


class Cause(StrEnum):
    """Why nothing can be read or written. Monitoring reads these words: they never change."""

    ADDRESS_INVALID = "address-invalid"
    CERTIFICATE_INVALID = "certificate-invalid"
    CONNECTIONS_EXHAUSTED = "connections-exhausted"
    DATABASE_AWAY = "database-away"
    DATABASE_DAMAGED = "database-damaged"
    DATABASE_LOCKED = "database-locked"
    DATABASE_MISSING = "database-missing"
    DATABASE_READ_ONLY = "database-read-only"
    DATABASE_UNUSABLE = "database-unusable"
    DISK_FULL = "disk-full"
    KEY_REPLACED = "key-replaced"
    LOGIN_REFUSED = "login-refused"
    MIGRATIONS_AHEAD = "migrations-ahead"
    MIGRATIONS_BEHIND = "migrations-behind"
    NOT_DURABLE = "not-durable"
    OUT_OF_MEMORY = "out-of-memory"
    PERMISSION_MISSING = "permission-missing"
    SEARCH_PATH_WRONG = "search-path-wrong"
    SESSIONS_SHARED = "sessions-shared"
    TABLE_MISSING = "table-missing"


LASTING = frozenset({Cause.DISK_FULL, Cause.PERMISSION_MISSING, Cause.TABLE_MISSING, Cause.SEARCH_PATH_WRONG})
"""Causes that no second try within seconds gets around: whoever waits is told at once."""


class Trouble(NamedTuple):
    """One cause, and a sentence that ends with what to do. It may name users, hosts, tables and files."""

    cause: Cause
    sentence: str


AWAY = Trouble(
    Cause.DATABASE_AWAY, "The database does not answer. Start it, or correct TUCKSHOP_DATABASE_URL."
)


class DatabaseAway(Exception):
    """The database cannot be used just now; nothing was written. Try again in a while."""

    def __init__(self, told: str = "", *, trouble: Trouble = AWAY) -> None:
        super().__init__(told)
        self.trouble = trouble


class DatabaseUnusable(Exception):
    """The database cannot be used as it is; the message is one sentence that ends with what to do."""

    def __init__(self, why: str | Trouble) -> None:
        self.trouble = why if isinstance(why, Trouble) else Trouble(Cause.DATABASE_UNUSABLE, why)
        super().__init__(self.trouble.sentence)


_SQLITE: Mapping[int, tuple[Cause, str]] = {
    sqlite3.SQLITE_FULL: (
        Cause.DISK_FULL,
        "The disk of the database is full. Free some space on it.",
    ),
    sqlite3.SQLITE_READONLY: (
        Cause.DATABASE_READ_ONLY,
        "The database file cannot be written. Correct its permissions, those of its folder, or its disk.",
    ),
    sqlite3.SQLITE_PERM: (
        Cause.PERMISSION_MISSING,
        "The database file cannot be opened for writing. Correct its path or its permissions.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        Cause.DATABASE_MISSING,
        "The database file cannot be opened for writing. Correct its path or its permissions.",
    ),
    sqlite3.SQLITE_BUSY: (
        Cause.DATABASE_LOCKED,
        "Another program has locked the database. Stop that program and try again.",
    ),
    sqlite3.SQLITE_NOTADB: (
        Cause.DATABASE_DAMAGED,
        "The file is not a SQLite database. Correct the path in TUCKSHOP_DATABASE_URL.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        Cause.DATABASE_DAMAGED,
        "The database file is damaged{told}. Restore it from a backup.",
    ),
    sqlite3.SQLITE_IOERR: (
        Cause.DATABASE_DAMAGED,
        "SQLite cannot read or write the database{told}. Check that its disk has room and is healthy.",
    ),
    sqlite3.SQLITE_NOMEM: (Cause.OUT_OF_MEMORY, "SQLite has no memory left. Free some memory."),
}
_SQLITE_SAME = {
    sqlite3.SQLITE_LOCKED: sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_PROTOCOL: sqlite3.SQLITE_BUSY,
}
_SQLITE_TABLE_MISSING = (
    Cause.TABLE_MISSING,
    "A table of the shop is missing{told}. Restore the database from a backup.",
)

GRANT = (
    "Let the role own the tables, or grant it SELECT, INSERT, UPDATE and DELETE on all tables and USAGE on"
    " all sequences."
)
_POSTGRES: Mapping[str, tuple[Cause, str]] = {
    # By the whole SQLSTATE first, then by its class: its first two characters.
    "08": (Cause.DATABASE_AWAY, "PostgreSQL cannot be reached. Start it, or correct TUCKSHOP_DATABASE_URL."),
    "25006": (
        Cause.DATABASE_READ_ONLY,
        (
            "PostgreSQL takes no writes{told}. Connect to the primary server, and set"
            " default_transaction_read_only = off for the database and its role."
        ),
    ),
    # A prepared statement that is another's, or is not there.
    "26000": (Cause.SESSIONS_SHARED, sessions.POOLED),
    "28": (Cause.LOGIN_REFUSED, "PostgreSQL refused the log-in{told}. Correct TUCKSHOP_DATABASE_URL."),
    "3D000": (
        Cause.DATABASE_MISSING,
        "The database does not exist{told}. Create it, then run `tuckshop init`.",
    ),
    "3F000": (
        Cause.SEARCH_PATH_WRONG,
        (
            "The search_path of the database role names no schema that exists{told}. Correct it with"
            " `ALTER ROLE ... SET search_path`, or create the schema."
        ),
    ),
    "42501": (
        Cause.PERMISSION_MISSING,
        f"The database role may not do this{{told}}. {GRANT}",
    ),
    "42P05": (Cause.SESSIONS_SHARED, sessions.POOLED),
    "42P01": (
        Cause.TABLE_MISSING,
        (
            "A table of the shop is missing{told}. Correct the search_path of the database role, or restore"
            " the database from a backup."
        ),
    ),
    "53": (Cause.OUT_OF_MEMORY, "PostgreSQL has run out of something it needs{told}. See its log."),
    "53100": (
        Cause.DISK_FULL,
        "The disk of PostgreSQL is full{told}. Free some space on it.",
    ),
    "53200": (Cause.OUT_OF_MEMORY, "PostgreSQL has no memory left{told}. Free some memory."),
    "53300": (
        Cause.CONNECTIONS_EXHAUSTED,
        "PostgreSQL accepts no more connections{told}. Raise max_connections, or start fewer workers.",
    ),
    "55P03": (
        Cause.DATABASE_LOCKED,
        "Another program has locked the database. Stop that program and try again.",
    ),
    "57P": (
        Cause.DATABASE_AWAY,
        "PostgreSQL accepts no connections at the moment{told}. Try again.",
    ),
    "58": (Cause.DATABASE_DAMAGED, "PostgreSQL cannot use its files{told}. Check its disk and its log."),
    "XX001": (
        Cause.DATABASE_DAMAGED,
        "The database is damaged{told}. Restore it from a backup.",
    ),
    "XX002": (
        Cause.DATABASE_DAMAGED,
        "An index of the database is damaged{told}. Run REINDEX, or restore a backup.",
    ),
}
_NO_CREATE = (
    Cause.PERMISSION_MISSING,
    (
        "The database role may not create tables{told}. Since PostgreSQL 15, GRANT ALL ON DATABASE is not"
        " enough: make the role the owner of the database, or run `GRANT CREATE ON SCHEMA public TO ...`."
    ),
)
_PARAMETER = (
    Cause.ADDRESS_INVALID,
    "TUCKSHOP_DATABASE_URL has a parameter that PostgreSQL does not accept{told}. Correct or remove it.",
)
_CERTIFICATE_NAME = (
    Cause.CERTIFICATE_INVALID,
    (
        "The certificate of PostgreSQL is for another name{told}. Use a host name of the certificate in"
        " TUCKSHOP_DATABASE_URL, or give the server a certificate for this one."
    ),
)
_CERTIFICATE = (
    Cause.CERTIFICATE_INVALID,
    (
        "The certificate of PostgreSQL cannot be trusted{told}. Name the certificate of its issuer as"
        " sslrootcert in TUCKSHOP_DATABASE_URL."
    ),
)
_NO_TLS = (
    Cause.CERTIFICATE_INVALID,
    "PostgreSQL offers no TLS. Switch it on there, or set another sslmode in TUCKSHOP_DATABASE_URL.",
)
_ADDRESS = (Cause.ADDRESS_INVALID, f"The address of the database is not valid. {URL_FORMS}.")
_POOL = (Cause.CONNECTIONS_EXHAUSTED, "All connections to the database are in use. Try again.")
_POSTGRES_OTHER = (Cause.DATABASE_UNUSABLE, "PostgreSQL reported an error{told}. See its log.")
_SQLITE_OTHER = (
    Cause.DATABASE_DAMAGED,
    "SQLite cannot read the database{told}. Restore it from a backup.",
)
_HOSTNAME_MISMATCHES = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH of OpenSSL.


def of(error: BaseException | None) -> Trouble | None:
    """The trouble of the database that this error tells; None if the statement is to blame, or the code."""
    while error is not None:
        found = _of_one(error)
        if found is not None:
            return found
        if isinstance(error, asyncpg.PostgresError | sqlite3.Error):
            return None
        if isinstance(error, DBAPIError):
            if error.connection_invalidated:
                return of(error.orig) or AWAY
            error = error.orig or error.__cause__
        else:
            error = error.__cause__
    return None


def explain(error: BaseException) -> Trouble:
    """The same while connecting or starting, when the address may be wrong too, or nobody knows."""
    found = of(error)
    if found is not None:
        return found
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, asyncpg.PostgresError):
            return _trouble(_POSTGRES_OTHER, _first_line(cause))
        if isinstance(cause, sqlite3.Error):
            return _trouble(_SQLITE_OTHER, _first_line(cause))
        cause = cause.orig if isinstance(cause, DBAPIError) and cause.orig else cause.__cause__
    return _trouble(_ADDRESS)


def _of_one(error: BaseException) -> Trouble | None:
    match error:
        case DatabaseAway() | DatabaseUnusable():
            return error.trouble
        case asyncpg.PostgresError():
            return _of_postgres(error)
        case sqlite3.Error():
            return _of_sqlite(error)
        case asyncpg.ClientConfigurationError():
            return _of_configuration(error)
        case ssl.SSLCertVerificationError():
            row = _CERTIFICATE_NAME if error.verify_code in _HOSTNAME_MISMATCHES else _CERTIFICATE
            return _trouble(row, error.verify_message)
        case OSError():
            return _of_system(error)
        case PoolTimeout():
            return _trouble(_POOL)
        case asyncpg.InterfaceError() | asyncpg.InternalClientError():
            return AWAY
        case _:
            return None


def _of_postgres(error: asyncpg.PostgresError) -> Trouble | None:
    told, state = _first_line(error), error.sqlstate or ""
    if state in ("42704", "22023") and " parameter " in told:
        # Only who connects names parameters: those of the URL.
        return _trouble(_PARAMETER, told)
    if state == "42501" and "schema" in told:
        return _trouble(_NO_CREATE, told)
    for key in (state, state[:3], state[:2]):
        if key in _POSTGRES:
            return _trouble(_POSTGRES[key], told)
    return None


def of_sqlite_code(code: int) -> Trouble:
    """The trouble of this one of SQLite's codes. Raises KeyError for one that is none."""
    return _trouble(_SQLITE[code])


def _of_sqlite(error: sqlite3.Error) -> Trouble | None:
    whole = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    # Who opens a file on a full disk finds no room for the index of its log.
    code = sqlite3.SQLITE_FULL if whole == sqlite3.SQLITE_IOERR_SHMSIZE else whole & 0xFF
    if code == sqlite3.SQLITE_ERROR and str(error).startswith("no such table"):
        return _trouble(_SQLITE_TABLE_MISSING, _first_line(error))
    row = _SQLITE.get(_SQLITE_SAME.get(code, code))
    return None if row is None else _trouble(row, _first_line(error))


def _of_system(error: OSError) -> Trouble:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _trouble(_SQLITE[sqlite3.SQLITE_FULL])
    if isinstance(error, ConnectionError) and "SSL" in str(error):
        return _trouble(_NO_TLS)
    return _trouble(_POSTGRES["08"])


def _of_configuration(error: asyncpg.ClientConfigurationError) -> Trouble:
    """For what asyncpg itself cannot use of the URL: a value, or a certificate or key that it names."""
    told = _first_line(error)
    if "certificate" in told or "`sslrootcert`" in told:
        return _trouble(_CERTIFICATE)
    return _trouble(_PARAMETER if "parameter" in told else _ADDRESS)


def _trouble(row: tuple[Cause, str], told: str = "") -> Trouble:
    """`told`: the database's own words, where the sentence has room for them."""
    cause, form = row
    return Trouble(cause, form.replace("{told}", f" ({told})" if told else ""))


def _first_line(error: BaseException) -> str:
    """The database's own words, without details of rows."""
    return (str(error).splitlines() or [""])[0].rstrip(".")
