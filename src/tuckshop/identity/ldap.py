"""Log-ins by a directory (LDAP): the entry is searched for, and its own password tried by a bind.

ldap3 blocks, so it has threads of its own. Names stand escaped in every filter; a password is never empty,
since a directory takes such a bind for an anonymous one; referrals are not followed, or the password would
go to whomever they name.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from tuckshop.context import SignOnAway
from tuckshop.domain.sign_on import ExternalUser
from tuckshop.domain.users import PASSWORD_LENGTH_MAX, USERNAME_LENGTH_MAX, name_key
from tuckshop.identity.addresses import is_loopback
from tuckshop.settings import PREFIX, Settings, SettingsInvalid

if TYPE_CHECKING:
    from ldap3 import Connection

ANSWER_SECONDS = 5  # For each step: connecting, binding, searching.
WHOLE_SECONDS = 20
AT_A_TIME = 4
WAITING_MAX = 50  # Whoever comes later is told at once, as with passwords.
ID_ATTRIBUTES = ("entryUUID", "objectGUID", "nsUniqueId")
"""What an entry is known by for ever, whatever it is called: OpenLDAP, Active Directory, 389."""
_WRONG = frozenset({19, 32, 48, 49, 50, 53})  # RFC 4511: a bind refused for what this user is or has sent.

_ADDRESS = re.compile(
    r"(?P<scheme>ldaps?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?/?", re.ASCII
)

log = structlog.get_logger(__name__)


class LdapDirectory:
    """The directory that the settings name."""

    def __init__(self, given: Settings) -> None:
        """Raises SettingsInvalid."""
        read = _ADDRESS.fullmatch(given.ldap_url)
        if read is None or not 0 < int(read["port"] or 1) < 65536:
            raise SettingsInvalid(
                f"{PREFIX}LDAP_URL is not valid. Set an address such as ldaps://ldap.example.org."
            )
        if not given.ldap_base:
            raise SettingsInvalid(f"{PREFIX}LDAP_BASE is missing. Set it to where users are, such as"
                                  " ou=people,dc=example,dc=org.")  # fmt: skip
        if given.ldap_bind_dn and not given.ldap_bind_password:
            raise SettingsInvalid(f"{PREFIX}LDAP_BIND_PASSWORD is missing.")
        self._host = read["host"].strip("[]")
        self._is_ldaps = read["scheme"] == "ldaps"
        self._port = int(read["port"] or 0) or (636 if self._is_ldaps else 389)
        self._starts_tls = not self._is_ldaps and not is_loopback(self._host)
        self._given = given
        self._waiting = 0
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="ldap")
        # Not the address: a directory that moves to another one has the same users.
        self.issuer = f"ldap:{given.ldap_base.lower()}"

    async def find(self, *, username: str, password: str) -> ExternalUser | None:
        """Who has this name and password there; None for nobody. Raises SignOnAway."""
        if not 0 < len(username) <= USERNAME_LENGTH_MAX or not 0 < len(password) <= PASSWORD_LENGTH_MAX:
            return None
        if "\0" in username + password:
            return None
        if self._waiting >= WAITING_MAX:
            raise SignOnAway
        self._waiting += 1
        loop = asyncio.get_running_loop()
        try:
            running = loop.run_in_executor(self._threads, self._find, username, password)
            return await asyncio.wait_for(running, WHOLE_SECONDS)
        except TimeoutError:
            log.error("ldap.away", error="it takes too long")
            raise SignOnAway from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _find(self, username: str, password: str) -> ExternalUser | None:
        from ldap3.core.exceptions import LDAPException

        try:
            with self._bound(self._given.ldap_bind_dn, self._given.ldap_bind_password) as reader:
                if not reader.bound:
                    raise _Unusable(f"the bind as {PREFIX}LDAP_BIND_DN was refused")
                entry = self._entry(reader, username)
                if entry is None or not self._fits(entry["dn"], password):
                    return None
                return self._external(reader, entry)
        except (LDAPException, OSError, _Unusable) as error:
            log.error("ldap.away", error=str(error)[:200])
            raise SignOnAway from None

    @contextmanager
    def _bound(self, dn: str, password: str) -> Iterator[Connection]:
        """A connection, encrypted unless it stays on this computer; bound, if the directory lets it."""
        from ldap3 import ANONYMOUS, SIMPLE, Connection, Server, Tls

        tls = Tls(validate=ssl.CERT_REQUIRED)
        server = Server(
            self._host, self._port, use_ssl=self._is_ldaps, tls=tls, get_info="NO_INFO",
            connect_timeout=ANSWER_SECONDS,
        )  # fmt: skip
        connection = Connection(
            server,
            user=dn or None,
            password=password or None,
            authentication=SIMPLE if dn else ANONYMOUS,
            receive_timeout=ANSWER_SECONDS,
            auto_referrals=False,
            read_only=True,
            check_names=False,
        )
        try:
            connection.open()
            if self._starts_tls and not connection.start_tls():
                raise _Unusable("it does not take StartTLS")
            connection.bind()
            yield connection
        finally:
            connection.unbind()
            if connection.socket is not None:
                connection.socket.close()  # ldap3 leaves it open where there is nobody.

    def _entry(self, reader: Connection, username: str) -> dict[str, Any] | None:
        """The one entry of this name."""
        from ldap3.utils.conv import escape_filter_chars

        attribute = self._given.ldap_user_attribute
        found = self._search(
            reader,
            self._given.ldap_base,
            f"({attribute}={escape_filter_chars(username)})",
            [attribute, "mail", *ID_ATTRIBUTES],
        )
        # A directory takes ` Ada` for `ada` too; the tries of each are counted under what was typed.
        exact = [
            one for one in found if name_key(username) in map(name_key, _texts(one["attributes"], attribute))
        ]
        return exact[0] if len(exact) == 1 else None

    def _fits(self, dn: str, password: str) -> bool:
        with self._bound(dn, password) as own:
            if own.bound:
                return True
            if own.result["result"] in _WRONG:
                return False
            raise _Unusable(f"a bind was answered by {own.result['description']}")

    def _external(self, reader: Connection, entry: dict[str, Any]) -> ExternalUser:
        attributes = entry["attributes"]
        known_by = next((found for name in ID_ATTRIBUTES if (found := _texts(attributes, name))), None)
        if known_by is None:
            raise _Unusable(f"entries have none of {', '.join(ID_ATTRIBUTES)}, or it may not be read")
        names, emails = _texts(attributes, self._given.ldap_user_attribute), _texts(attributes, "mail")
        return ExternalUser(
            self.issuer, known_by[0], names[0], emails[0] if emails else None,
            self._groups(reader, entry["dn"], names[0]),
        )  # fmt: skip

    def _groups(self, reader: Connection, dn: str, name: str) -> frozenset[str]:
        """Those groups of the entry that have a role here; no others are asked for."""
        from ldap3.utils.conv import escape_filter_chars as escaped

        wanted = self._given.group_roles.by_group
        if not wanted:
            return frozenset()
        member = f"(member={escaped(dn)})(uniqueMember={escaped(dn)})(memberUid={escaped(name)})"
        named = "".join(f"(cn={escaped(group)})" for group in wanted)
        base = self._given.ldap_group_base or self._given.ldap_base
        found = self._search(reader, base, f"(&(|{member})(|{named}))", ["cn"])
        return frozenset(cn for one in found for cn in _texts(one["attributes"], "cn") if cn in wanted)

    def _search(
        self, reader: Connection, base: str, searched: str, attributes: list[str]
    ) -> list[dict[str, Any]]:
        from ldap3 import DEREF_NEVER

        reader.search(
            base, searched, attributes=attributes, dereference_aliases=DEREF_NEVER,
            size_limit=2 * len(self._given.group_roles.by_group) + 2, time_limit=ANSWER_SECONDS,
        )  # fmt: skip
        if reader.result["result"] != 0:
            raise _Unusable(f"a search was answered by {reader.result['description']}")
        return [one for one in reader.response or () if one["type"] == "searchResEntry"]


class _Unusable(Exception):
    """The directory answered, but not so that anybody can log in."""


def _texts(attributes: dict[str, Any], name: str) -> list[str]:
    """The values, those of bytes in hexadecimal digits."""
    kept = next((value for key, value in attributes.items() if key.lower() == name.lower()), None)
    values = kept if isinstance(kept, list) else [] if kept is None else [kept]
    return [one.hex() if isinstance(one, bytes) else str(one) for one in values if one]
