"""The service's settings: environment variables TUCKSHOP_*, or the same in the settings file."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import zoneinfo
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, time, tzinfo
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

import msgspec

from tuckshop import settings_file
from tuckshop.domain.days import BusinessDays
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.payables import PAYOUT_DELAY_DAYS_MAX
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.sign_on import GroupRoles
from tuckshop.domain.tabs import EXPOSURE_TABS, TabsFor
from tuckshop.domain.users import RegistrationMode, SecondFactorMode
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.settings_file import SettingsFile

PREFIX = "TUCKSHOP_"
SECRET_LENGTH_MIN = 32  # Bytes; RFC 7518, 3.2: an HMAC key is at least as long as its hash.
KEY_FILE = "secret.key"
_HIDDEN = ("metrics_token", "sentry_dsn", "first_code_hash", "oidc_client_secret", "ldap_bind_password")
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?/?", re.ASCII
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Positive = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[int, msgspec.Meta(ge=0, le=BALANCE_CENTS_MAX)]


class Source(StrEnum):
    """Where a setting comes from; each goes before those after it."""

    COMMAND = "command"  # of the command that started the server: its options, or what makes a demo
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


class LogFormat(StrEnum):
    """How lines of the log are written: for programs, or for people."""

    JSON = "json"
    CONSOLE = "console"


class SettingsInvalid(Exception):
    """A setting cannot be used; the message is one sentence that names it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field for each TUCKSHOP_ variable, in lower case. Empty texts mean: not set."""

    shop_name: str = "Tuckshop"  # on the sign of every page
    home: str = ""  # where the SQLite database and the key file lie; ~/.local/share/tuckshop
    database_url: str = ""  # sqlite:///path or postgresql://...; a SQLite file in `home`
    replica_url: str = ""  # a replica of that database, for what may be a moment old
    secret: str = ""  # signs tokens; by default the key file in `home`, which `tuckshop init` makes
    coins: CoinsPolicy = CoinsPolicy.ATTESTED
    registration: RegistrationMode = RegistrationMode.OPEN
    # Who sells by registering. Unless set, an admin approves each seller.
    seller_registration: RegistrationMode | None = None
    staff_second_factor: SecondFactorMode = SecondFactorMode.OPTIONAL  # whether staff need one
    registrations_per_hour: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 60  # from one network
    coins_daily_cap_cents: NotNegative = 20_000  # what a buyer may declare within 24 hours
    coins_machine_daily_cap_cents: NotNegative = 50_000  # what all buyers may declare at a machine in a day
    tab_limit_cents: NotNegative = 0  # what buyers without a limit of their own may owe
    tab_for: TabsFor | None = (
        None  # who may owe: those whom an admin has approved, which is the default, or all
    )
    tab_exposure_cents: NotNegative | None = None  # what all others may owe together; 20 times the limit
    refund_window_seconds: Positive = 300
    # What buyers take back by themselves at a machine: off, bounded (3 an hour and 5.00 a day) or contract
    # (as each buyer may). Unless set, guests take nothing back, but for those of the dialect kiosk.
    machine_undo: UndoMode | None = None
    placed_hours: Positive = 24  # after which an order that nobody dispensed is cancelled
    retention_orders_days: Annotated[int, msgspec.Meta(ge=90, le=36_500)] | None = None  # with their buyers
    retention_logs_days: Annotated[int, msgspec.Meta(ge=30, le=36_500)] | None = None  # of staff, of log-ins
    payout_delay_days: Annotated[int, msgspec.Meta(ge=0, le=PAYOUT_DELAY_DAYS_MAX)] = 7  # sale to payout
    timezone: str = "UTC"  # of the shop, by which its days are counted: Europe/Berlin
    day_starts: str = "00:00"  # when a day's sales begin: 04:00 where nights are long
    public_url: str = ""  # where browsers find the shop: https://shop.example.org
    allowed_hosts: str = ""  # names that requests may be for, with commas between; *: any
    trusted_proxies: str = ""  # addresses or networks whose X-Forwarded-For is believed, likewise
    dialects: str = ""  # names of older contracts to serve as well, with commas between
    root_dialect: str = ""  # the one whose paths are served at the root too
    kiosk_open: bool = False  # guests at a kiosk need no machine's key; only in a demo
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8000
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    metrics: bool = False  # /metrics is there, for whoever can reach the server
    metrics_token: str = ""  # /metrics is there, for who sends `Authorization: Bearer` and this
    metrics_folder: str = ""  # where several workers put their figures together; a temporary one
    connections: Annotated[int, msgspec.Meta(ge=100, le=1_000_000)] = 10_000  # open ones in each process
    idle_seconds: Annotated[int, msgspec.Meta(ge=5, le=3_600)] = 65  # until a silent connection is closed
    redis_url: str = ""  # a Redis or Valkey that several nodes share; nothing depends on it
    event_streams: Positive = 1_000  # how many may watch /v1/events in each process
    event_streams_per_address: Positive = 100  # the same from one address
    oidc_issuer: str = ""  # an OpenID Connect provider that lets users in; needs the extra oidc
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_name: str = ""  # on the button at the log-in; the provider's host
    oidc_groups_claim: str = "groups"  # of the ID token
    ldap_url: str = ""  # a directory that lets users in: ldaps://ldap.example.org; needs the extra ldap
    ldap_bind_dn: str = ""  # who searches there; nobody named: it is searched anonymously
    ldap_bind_password: str = ""
    ldap_base: str = ""  # where users are: ou=people,dc=example,dc=org
    ldap_user_attribute: Annotated[str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9-]*$")] = "uid"
    ldap_group_base: str = ""  # where groups are; where users are
    sign_on_roles: str = ""  # group=role, with commas between; by the shop's admins unless set
    first_code_hash: str = ""  # of the code that makes the first admin; `serve` sets it and prints the code
    from_command: str = ""  # which settings the command gave its workers, with commas between; it sets this
    log_format: LogFormat = LogFormat.JSON
    sentry_dsn: str = ""  # where errors are sent; needs the extra sentry
    otel: bool = False  # traces by the OTEL_ variables; needs the extra otel
    access_log: bool = False  # a line for every request, not only for those that fail
    unsafe_durability: bool = False  # start although the database may lose sales when the power fails

    @property
    def home_path(self) -> Path:
        """The directory of what the shop keeps outside a database server."""
        return Path(self.home).expanduser() if self.home else Path.home() / ".local" / "share" / "tuckshop"

    @property
    def url(self) -> str:
        """Where the database is."""
        return self.database_url or f"sqlite:///{self.home_path / 'tuckshop.sqlite3'}"

    @property
    def tabs_for(self) -> TabsFor:
        """Who may owe."""
        return self.tab_for or TabsFor.APPROVED

    @property
    def exposure_cents(self) -> int:
        """What all those may owe together whose tab no admin has approved."""
        if self.tab_exposure_cents is not None:
            return self.tab_exposure_cents
        return self.tab_limit_cents * EXPOSURE_TABS

    @property
    def hosts(self) -> frozenset[str]:
        """The names that requests may be for, if somebody said so; `*` among them: any."""
        return frozenset(_listed(self.allowed_hosts.lower()))

    @property
    def own_hosts(self) -> frozenset[str]:
        """The names that other settings tell. Raises SettingsInvalid."""
        return frozenset(filter(None, [self.host.lower(), urlsplit(self.origin).hostname]))

    @property
    def origin(self) -> str:
        """Where browsers find the shop, in their spelling; empty if nobody said. Raises SettingsInvalid."""
        return _origin(self.public_url) if self.public_url else ""

    @property
    def is_https(self) -> bool:
        """Whether browsers find the shop by https, whoever ends it."""
        return self.origin.startswith("https:")

    @property
    def dialect_names(self) -> tuple[str, ...]:
        """The dialects to serve, in the order of the setting."""
        return tuple(_listed(self.dialects))

    @property
    def sellers_register(self) -> RegistrationMode:
        """Who becomes a seller by registering."""
        return self.seller_registration or RegistrationMode.APPROVE

    @property
    def guest_undo(self) -> UndoMode:
        """What guests take back by themselves at a machine."""
        usual = UndoMode.CONTRACT if "kiosk" in (*self.dialect_names, self.root_dialect) else UndoMode.OFF
        return self.machine_undo or usual

    @property
    def user_undo(self) -> UndoMode:
        """What buyers with a log-in take back by themselves at a machine."""
        return self.machine_undo or UndoMode.BOUNDED

    @property
    def proxies(self) -> tuple[Network, ...]:
        """Whose word counts for where a request came from. Raises SettingsInvalid."""
        return _networks(self.trusted_proxies)

    @property
    def group_roles(self) -> GroupRoles:
        """Which group of a service that lets users in has which roles. Raises SettingsInvalid."""
        return _group_roles(self.sign_on_roles)

    @property
    def days(self) -> BusinessDays:
        """By what days sales are counted. Raises SettingsInvalid."""
        starts = re.fullmatch("([01][0-9]|2[0-3]):([0-5][0-9])", self.day_starts, re.ASCII)
        if starts is None:
            raise SettingsInvalid(f"{PREFIX}DAY_STARTS is not valid. Set a time such as 04:00.")
        return BusinessDays(_zone(self.timezone), time(int(starts[1]), int(starts[2])))

    def redacted(self) -> dict[str, str]:
        """Every setting as it is in force, without secrets."""
        told = {
            name: _written(getattr(self, name)) for name in self.__struct_fields__ if name != "from_command"
        }
        told["tab_for"], told["tab_exposure_cents"] = self.tabs_for, str(self.exposure_cents)
        told["seller_registration"] = self.sellers_register
        told["home"] = str(self.home_path)
        told["database_url"] = _without_password(self.url)
        told["redis_url"] = _without_password(self.redis_url)
        told["replica_url"] = _without_password(self.replica_url)
        for name in _HIDDEN:
            told[name] = "(hidden)" if getattr(self, name) else ""
        told["secret"] = "(hidden)" if self.secret else f"(in {self.home_path / KEY_FILE})"
        return {f"{PREFIX}{name.upper()}": value for name, value in told.items()}

    def signing_secret(self) -> bytes:
        """What tokens are signed with.

        Raises:
            SettingsInvalid: none is set and `tuckshop init` has made none, or it is too short.
        """
        secret = self.secret.encode()
        path = self.home_path / KEY_FILE
        if not secret:
            try:
                secret = path.read_bytes().strip()
            except OSError:
                raise SettingsInvalid(
                    f"There is no signing secret. Set {PREFIX}SECRET, or create {path} with `tuckshop init`."
                ) from None
        if len(secret) < SECRET_LENGTH_MIN:
            raise SettingsInvalid(
                f"The signing secret is too short. Use at least {SECRET_LENGTH_MIN} random bytes."
            )
        return secret


def read(environment: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """The settings in force: `overrides` that are not None, then the environment, then the settings file.

    Raises:
        SettingsInvalid: the file cannot be used, a variable is unknown, or its value is not one of those it
            can have.
    """
    file = read_file() if environment is None else settings_file.NO_FILE
    if environment is None:
        environment = {name: value for name, value in os.environ.items() if name != settings_file.VARIABLE}
    where = f" in {file.path}"
    in_file = _given(file.values, where=where)
    given: dict[str, object] = {**_given(environment)}
    given |= {name: value for name, value in overrides.items() if value is not None}
    try:
        read = msgspec.convert(in_file | given, Settings, strict=False)
        _ = read.proxies, read.days, read.origin, read.group_roles  # Now, not with the first request.
        _check_replica(read)
        return read
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        name = place.rstrip("`")
        variable = f"{PREFIX}{name.upper()}{'' if name in given else where}"
        raise SettingsInvalid(f"{variable} is not valid: {problem}.") from None


def _given(variables: Mapping[str, str], *, where: str = "") -> dict[str, str]:
    """What is set, by name. Raises SettingsInvalid."""
    given = {}
    for variable, value in variables.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name.startswith("test_") or name == "proof":
            continue
        if name not in Settings.__struct_fields__:
            raise SettingsInvalid(f"{variable}{where} is not a setting of Tuckshop. See `tuckshop config`.")
        if value:
            given[name] = value
    return given


def read_file() -> SettingsFile:
    """The settings file, which may be none. Raises SettingsInvalid."""
    try:
        return settings_file.read()
    except settings_file.FileInvalid as error:
        raise SettingsInvalid(str(error)) from None


def shows_secrets(file: SettingsFile) -> bool:
    """Whether every user of the computer can read a secret there. Raises SettingsInvalid."""
    if not file.is_public:
        return False
    shown = read(file.values).redacted()
    return any("(hidden" in shown.get(name, "") or "***" in shown.get(name, "") for name in file.values)


def sources(given: Settings) -> dict[str, Source]:
    """Where each setting that is shown comes from. To be asked when they have just been read."""
    in_file, from_command = read_file().values, _listed(given.from_command)
    found = {}
    for variable in given.redacted():
        name = variable.removeprefix(PREFIX).lower()
        if name in from_command:
            found[variable] = Source.COMMAND
        elif os.environ.get(variable):
            found[variable] = Source.ENVIRONMENT
        elif in_file.get(variable):
            found[variable] = Source.FILE
        else:
            found[variable] = Source.DEFAULT
    return found


def make_key_file(settings: Settings) -> None:
    """Makes the key file, readable by its owner alone, unless a secret is there already."""
    path = settings.home_path / KEY_FILE
    if settings.secret or path.exists():
        return
    settings.home_path.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_key(path, secrets.token_hex(SECRET_LENGTH_MIN))


@contextmanager
def new_key_file(settings: Settings) -> Iterator[bytes]:
    """A new secret, which becomes the key file once the context ends well; until then the old one stays.

    Raises:
        OSError: the folder cannot be written.
    """
    path = settings.home_path / KEY_FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = secrets.token_hex(SECRET_LENGTH_MIN)
    waiting = path.with_name(f"{path.name}.new")
    waiting.unlink(missing_ok=True)
    try:
        _write_key(waiting, secret)
        yield secret.encode()
        waiting.replace(path)
    finally:
        waiting.unlink(missing_ok=True)


def _write_key(path: Path, secret: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)


def _written(value: object) -> str:
    return "" if value is None else str(value)


def _listed(text: str) -> list[str]:
    return [one for one in (part.strip() for part in text.split(",")) if one]


@cache
def _networks(listed: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(one) for one in _listed(listed))
    except ValueError as error:
        raise SettingsInvalid(f"{PREFIX}TRUSTED_PROXIES is not valid: {error}.") from None


@cache
def _origin(address: str) -> str:
    parts = _ADDRESS.fullmatch(address.strip().lower())
    if parts is None or not 0 < int(parts["port"] or 1) < 65536:
        raise SettingsInvalid(
            f"{PREFIX}PUBLIC_URL is not valid. Set an address such as https://shop.example.org, without a"
            " path."
        )
    is_usual = int(parts["port"] or 0) == {"http": 80, "https": 443}[parts["scheme"]]
    port = f":{int(parts['port'])}" if parts["port"] and not is_usual else ""
    return f"{parts['scheme']}://{parts['host']}{port}"


@cache
def _group_roles(text: str) -> GroupRoles:
    try:
        return GroupRoles.read(text)
    except ValueError as error:
        raise SettingsInvalid(f"{PREFIX}SIGN_ON_ROLES is not valid: {error}.") from None


@cache
def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC  # Where there are no timezones installed, too.
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise SettingsInvalid(
            f"{PREFIX}TIMEZONE is not a known time zone. Set one such as Europe/Berlin."
        ) from None


def _check_replica(given: Settings) -> None:
    for url in (given.url, given.replica_url) if given.replica_url else ():
        if not url.startswith(("postgresql://", "postgres://")):
            raise SettingsInvalid(
                f"{PREFIX}REPLICA_URL is for a database of PostgreSQL, as both addresses must be."
                f" Leave it out, or set it to an address such as postgresql://user@host/database."
            )


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(hidden: not an address)"
    if parts.netloc and (parts.fragment or "@" in f"{parts.path}{parts.query}"):
        return "(hidden: not an address)"  # A / or # in a password that is not escaped ends the host early.
    host = parts.netloc.rpartition("@")[2]
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    netloc = f"{user}:***@{host}" if ":" in parts.netloc.rpartition("@")[0] else parts.netloc
    if netloc == parts.netloc and not parts.query:
        return url  # As it was: put together again, sqlite:////path would lose two of its slashes.
    # PostgreSQL takes passwords in the query too.
    return urlunsplit(parts._replace(netloc=netloc, query="***" if parts.query else ""))
