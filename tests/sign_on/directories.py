"""A directory of our own for tests: Debian's slapd, on loopback, with a few users and groups."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ldap3 import MODIFY_REPLACE, Connection, Server

from tests.limits import HANG_SECONDS
from tests.programs import found, running
from tools.loopback import HOST, free_port

BASE = "dc=example,dc=org"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
ROOT, ROOT_PASSWORD = f"cn=root,{BASE}", "the directory's own"
_PORTS = range(20_000, 30_000)

_CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
database mdb
maxsize 33554432
suffix "{base}"
rootdn "{root}"
rootpw "{password}"
directory {folder}/db
index objectClass,uid,cn,member eq
"""


def _entry(dn: str, *lines: str) -> str:
    return "\n".join((f"dn: {dn}", *lines, ""))


def person(uid: str, password: str) -> str:
    """The entry of somebody, as LDIF has it."""
    return _entry(
        f"uid={uid},{PEOPLE}", "objectClass: inetOrgPerson", f"uid: {uid}", f"cn: {uid}", f"sn: {uid}",
        f"mail: {uid}@example.org", f"userPassword: {password}",
    )  # fmt: skip


def group(cn: str, *members: str) -> str:
    """A group of these users, as LDIF has it."""
    return _entry(
        f"cn={cn},{GROUPS}", "objectClass: groupOfNames", f"cn: {cn}",
        *(f"member: uid={uid},{PEOPLE}" for uid in members),
    )  # fmt: skip


def entries() -> str:
    """Those whom each test finds there."""
    return "\n".join(
        (
            _entry(BASE, "objectClass: dcObject", "objectClass: organization", "o: Example", "dc: example"),
            _entry(PEOPLE, "objectClass: organizationalUnit", "ou: people"),
            _entry(GROUPS, "objectClass: organizationalUnit", "ou: groups"),
            person("lin", "lin's password"),
            person("max", "max's password"),
            group("shop-staff", "max"),
            group("everybody", "lin", "max"),
        )
    )


@dataclass
class LdapServer:
    """A slapd that can be stopped and started again with what is in it."""

    folder: Path
    port: int
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"ldap://{HOST}:{self.port}"

    def fill(self) -> None:
        """Puts the entries there, before it is started."""
        (self.folder / "db").mkdir()
        config = _CONFIG.format(folder=self.folder, base=BASE, root=ROOT, password=ROOT_PASSWORD)
        (self.folder / "slapd.conf").write_text(config)
        subprocess.run(
            [found("slapadd"), "-f", str(self.folder / "slapd.conf")],
            input=entries().encode(), check=True, capture_output=True, timeout=HANG_SECONDS,
        )  # fmt: skip

    def start(self) -> None:
        """Returns when it answers. Raises ProgramFailed."""
        words = ("-f", str(self.folder / "slapd.conf"), "-h", self.url, "-d", "0")
        self._stack.enter_context(
            running([found("slapd"), *words], folder=self.folder, is_ready=self.answers)
        )

    def stop(self) -> None:
        """Returns when it is gone."""
        self._stack.close()

    def answers(self) -> bool:
        """Whether it is there."""
        with suppress(OSError), socket.create_connection((HOST, self.port), HANG_SECONDS):
            return True
        return False

    @contextmanager
    def root(self) -> Iterator[Connection]:
        """Who may change everything there."""
        server = Server(HOST, self.port, get_info="NO_INFO")
        connection = Connection(server, ROOT, ROOT_PASSWORD, auto_bind=True, raise_exceptions=True)
        try:
            yield connection
        finally:
            connection.unbind()
            if connection.socket is not None:
                connection.socket.close()

    def put_into(self, cn: str, *uids: str) -> None:
        """Makes these the members of a group."""
        members = [f"uid={uid},{PEOPLE}" for uid in uids]
        with self.root() as root:
            change = {"member": [(MODIFY_REPLACE, members)]}
            root.modify(f"cn={cn},{GROUPS}", change)  # type: ignore[no-untyped-call]

    def remove(self, uid: str) -> None:
        """Somebody has left."""
        with self.root() as root:
            root.delete(f"uid={uid},{PEOPLE}")  # type: ignore[no-untyped-call]

    def add(self, uid: str, password: str) -> None:
        """Somebody has come."""
        with self.root() as root:
            told = {"uid": uid, "sn": uid, "userPassword": password}
            root.add(f"cn={uid},{PEOPLE}", "inetOrgPerson", told)  # type: ignore[no-untyped-call]


@contextmanager
def serving_ldap(folder: Path) -> Iterator[LdapServer]:
    """A directory, from when it answers to the end of the context."""
    server = LdapServer(folder, free_port(_PORTS))
    server.fill()
    server.start()
    try:
        yield server
    finally:
        server.stop()
