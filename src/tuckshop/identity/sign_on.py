"""Log-ins by an outside service: whose user it is here, and which roles the groups give.

Users are found by (issuer, subject) alone, never by a name or an address, which somebody else may get.
A first log-in makes a user without a password. See docs/decisions/0037-sign-on-links-by-subject.md.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, NamedTuple

import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from tuckshop.context import Directory, Provider, Shop, SignOn
from tuckshop.domain.refusals import (
    BadCredentials,
    EmailTaken,
    InvalidField,
    LastAdmin,
    NameTaken,
    NameTooSimilar,
)
from tuckshop.domain.sign_on import ExternalUser
from tuckshop.domain.users import USERNAME_LENGTH_MAX, UserState, check_email, check_username
from tuckshop.identity import roles
from tuckshop.settings import PREFIX, Settings, SettingsInvalid
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.store.erased import NO_PASSWORD
from tuckshop.store.skeletons import skeleton
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.users import NewUser, Register, Registered

SUFFIXES = range(2, 10)  # Of a name that somebody else has: ada, ada-2 ... ada-9.
SUBJECT_LENGTH_MAX = 255  # OpenID Connect Core, 2.

log = structlog.get_logger(__name__)
_users, identities = tables.users, tables.external_identities


class Entered(NamedTuple):
    """Who was let in; `password_hash` as it was then, by which a change meanwhile is noticed."""

    user_id: int
    password_hash: str


def open_services(given: Settings) -> SignOn:
    """The services that the settings name; none of them is asked yet. Raises SettingsInvalid."""
    return SignOn(_directory(given), _provider(given), given.group_roles)


async def enter(shop: Shop, external: ExternalUser) -> Entered:
    """The user of somebody whom a service has let in, made at the first log-in, with the roles of now.

    Who has a password of this shop too keeps the roles that the shop gave.

    Raises:
        BadCredentials: the user is not active here, or it is the last admin, whose groups make them none.
    """
    if not 0 < len(external.subject) <= SUBJECT_LENGTH_MAX:
        raise BadCredentials
    row = await _find(shop, external)
    if row is None:
        await _make(shop, external)
        row = await _find(shop, external)
    if row is None or row.state != UserState.ACTIVE.value:
        raise BadCredentials
    if shop.sign_on.roles.by_group and row.password_hash == NO_PASSWORD:
        try:
            await roles.change(shop, user_id=row.id, roles=shop.sign_on.roles.of(external.groups))
        except LastAdmin:
            log.error("sign_on.last_admin", user_id=row.id)
            raise BadCredentials from None
    if row.name != external.username:
        this = identities.c.issuer == external.issuer, identities.c.subject == external.subject
        async with writing(shop.engine) as connection:
            await connection.execute(update(identities).where(*this).values(name=_stored(external.username)))
    return Entered(row.id, row.password_hash)


async def _find(shop: Shop, external: ExternalUser) -> Any:
    query = (
        select(_users.c.id, _users.c.state, _users.c.password_hash, identities.c.name)
        .join(identities, identities.c.user_id == _users.c.id)
        .where(identities.c.issuer == external.issuer, identities.c.subject == external.subject)
    )
    async with reading(shop.engine) as connection:
        return (await connection.execute(query)).one_or_none()


async def _make(shop: Shop, external: ExternalUser) -> None:
    """A user and the link to it. Of two log-ins at once both find the same user. Raises BadCredentials."""
    email = _usable_email(external.email)
    for name in _names(external):
        await asyncio.to_thread(skeleton, name)  # The first one reads its data, which takes a while.
        try:
            user_id = await _register(shop, external, name, email)
        except (NameTaken, NameTooSimilar):
            continue
        values = {"issuer": external.issuer, "subject": external.subject, "user_id": user_id}
        try:
            async with writing(shop.engine) as connection:
                # One who came before, and was closed since, is answered for the same key: that user stays so.
                active = select(_users.c.id).where(
                    _users.c.id == user_id, _users.c.state != UserState.CLOSED.value
                )
                if await connection.scalar(active.with_for_update(read=True)) is None:
                    continue
                await connection.execute(insert(identities).values(**values, name=_stored(external.username)))
        except IntegrityError:
            pass  # The other of two at once was faster.
        return
    log.error("sign_on.no_name", issuer=external.issuer)
    raise BadCredentials


async def _register(shop: Shop, external: ExternalUser, name: str, email: str | None) -> int:
    held = shop.sign_on.roles.of(external.groups)
    for address in dict.fromkeys((email, None)):
        command = Register(OPERATOR, NewUser(name, address, NO_PASSWORD, held, UserState.ACTIVE))
        told = "\0".join((external.issuer, external.subject, name, "" if address is None else "email"))
        digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()
        # The key makes two first log-ins at once, here or at another node, one user.
        envelope = Envelope(command, f"sign-on.{digest.hex()[:48]}", digest)
        try:
            receipt = (await shop.till.execute(envelope)).receipt()
        except EmailTaken:
            continue  # Somebody else's here: it is left out, and says nothing about who this is.
        assert isinstance(receipt, Registered)
        return receipt.user_id
    raise BadCredentials


def _names(external: ExternalUser) -> Iterator[str]:
    """What the user may be called: as outside, else with a number behind, else by a number alone."""
    digest = hashlib.sha256(f"{external.issuer}\0{external.subject}".encode("utf-8", "surrogatepass"))
    for name in (external.username, *(f"{external.username}-{number}" for number in SUFFIXES)):
        try:
            yield check_username(name[: USERNAME_LENGTH_MAX + 1])
        except InvalidField:
            break
    yield f"user-{digest.hexdigest()[:12]}"


def _stored(name: str) -> str:
    """The service's own name for the user, as a database can hold it: PostgreSQL has no text with a zero."""
    return name.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _usable_email(given: str | None) -> str | None:
    try:
        return None if given is None else check_email(given)
    except InvalidField:
        return None


def _directory(given: Settings) -> Directory | None:
    if not given.ldap_url:
        return None
    _require_package("ldap3", "LDAP_URL", "ldap")
    from tuckshop.identity.ldap import LdapDirectory

    return LdapDirectory(given)


def _provider(given: Settings) -> Provider | None:
    if not given.oidc_issuer:
        return None
    for package in ("authlib", "httpx"):
        _require_package(package, "OIDC_ISSUER", "oidc")
    from tuckshop.identity.oidc import OidcProvider

    return OidcProvider(given)


def _require_package(package: str, setting: str, extra: str) -> None:
    if find_spec(package) is None:
        raise SettingsInvalid(
            f"{PREFIX}{setting} needs packages that are not installed. Install them with"
            f" `pip install 'tuckshop[{extra}]'`."
        )
