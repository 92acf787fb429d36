"""Log-in in two steps: beside the password a code of an app (TOTP, RFC 6238), or a recovery code.

The app's secret is kept encrypted by a key that comes from the shop's own secret, together with the user's
number: a copy of the database makes no codes, and no row is good for another user. Of recovery codes hashes
alone are kept. Each code is good once. See docs/decisions/0026-a-second-step-at-the-log-in.md.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

import msgspec
import pyotp
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.refusals import (
    SecondFactorNeeded,
    SecondFactorOff,
    SecondFactorOn,
    SecondFactorRequired,
    SecondFactorWrong,
    UnknownUser,
)
from tuckshop.domain.users import STAFF, UserState
from tuckshop.identity import login_throttle, users
from tuckshop.identity.login_throttle import Attempt
from tuckshop.identity.passwords import invent
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing

STEP_SECONDS = 30
STEPS_AROUND = 1  # A code before, and one after: clocks of phones, and slow thumbs.
RECOVERY_CODES = 10
CODE_LENGTH_MAX = 40
_APP_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_STEP_US = STEP_SECONDS * 1_000_000

_users, factors, codes = tables.users, tables.second_factors, tables.recovery_codes


@dataclass(frozen=True, slots=True)
class SetUp:
    """What an app is given: by hand, or by the address that a QR code holds. Shown once."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class State:
    """Whether log-ins take a code, since when, and how many recovery codes are left."""

    since_us: int | None
    recovery_codes: int

    @property
    def is_on(self) -> bool:
        """Whether log-ins take a code."""
        return self.since_us is not None


class _Kept(msgspec.Struct, frozen=True):
    """What is encrypted."""

    user: int
    secret: str


async def state(shop: Shop, *, user_id: int) -> State:
    """How it is with this user."""
    left = select(func.count()).where(codes.c.user_id == user_id, codes.c.used_us.is_(None))
    async with reading(shop.engine) as connection:
        since_us = await connection.scalar(select(_users.c.second_factor_us).where(_users.c.id == user_id))
        return State(since_us, await connection.scalar(left) or 0)


async def begin(shop: Shop, *, user_id: int, issuer: str) -> SetUp:
    """A new secret for an app, which shows it under the shop's name, `issuer`.

    Log-ins stay as they are until `turn_on` shows that the app has it.

    Raises:
        SecondFactorOn: first turn off the one that there is.
    """
    secret = pyotp.random_base32()
    kept = shop.tokens.encrypt(msgspec.json.encode(_Kept(user_id, secret)))
    async with writing(shop.engine) as connection:
        if await _is_on(connection, user_id):
            raise SecondFactorOn
        await connection.execute(delete(factors).where(factors.c.user_id == user_id))
        await connection.execute(insert(factors).values(user_id=user_id, secret=kept, last_step=0))
        name = await connection.scalar(select(_users.c.username).where(_users.c.id == user_id))
    return _set_up(secret, name or "", issuer)


async def begun(shop: Shop, *, user_id: int, issuer: str) -> SetUp | None:
    """What was begun and not turned on, once more; None: nothing was."""
    query = select(_users.c.username, factors.c.secret).join(factors, factors.c.user_id == _users.c.id)
    async with reading(shop.engine) as connection:
        waiting = query.where(_users.c.id == user_id, _users.c.second_factor_us.is_(None))
        row = (await connection.execute(waiting)).one_or_none()
    secret = None if row is None else _read(shop, row.secret, user_id)
    return None if row is None or secret is None else _set_up(secret, row.username, issuer)


async def turn_on(shop: Shop, *, user_id: int, code: str) -> list[str]:
    """From now on log-ins take a code; the recovery codes, which nobody can find out again.

    Raises:
        SecondFactorOn, SecondFactorOff: it is on already, or nothing was begun.
        SecondFactorWrong: the app has another secret, or its clock is wrong.
    """
    now_us = shop.clock()
    async with writing(shop.engine) as connection:
        if await _is_on(connection, user_id):
            raise SecondFactorOn
        if await connection.scalar(select(factors.c.user_id).where(factors.c.user_id == user_id)) is None:
            raise SecondFactorOff
        if not _APP_CODE.fullmatch(_plain(code)):
            raise SecondFactorWrong
        await use(shop, connection, user_id=user_id, code=code)
        await connection.execute(update(_users).where(_users.c.id == user_id).values(second_factor_us=now_us))
        return await _new_codes(connection, user_id)


async def renew_codes(shop: Shop, *, user_id: int) -> list[str]:
    """Other recovery codes; those before are good no more. Raises SecondFactorOff."""
    async with writing(shop.engine) as connection:
        if not await _is_on(connection, user_id):
            raise SecondFactorOff
        return await _new_codes(connection, user_id)


async def turn_off(shop: Shop, *, user_id: int) -> None:
    """Log-ins take a password alone.

    Raises:
        SecondFactorRequired: not of staff, where a setting says so.
        SecondFactorOff: they do already.
    """
    async with writing(shop.engine) as connection:
        if not await _is_on(connection, user_id):
            raise SecondFactorOff
        row = (await connection.execute(select(*users.COLUMNS).where(_users.c.id == user_id))).one()
        if shop.till.policy.staff_second_factor and STAFF.intersection(users.roles_of(row)):
            raise SecondFactorRequired
        await _forget(connection, user_id)


async def reset(shop: Shop, *, user_id: int, actor_id: int | None = None) -> None:
    """The same for somebody who has lost app and recovery codes; it ends every session of theirs.

    Raises:
        UnknownUser: there is nobody of this number.
        SecondFactorOff: there is nothing to reset.
    """
    async with writing(shop.engine) as connection:
        this = select(*users.COLUMNS).where(_users.c.id == user_id, _users.c.state != UserState.CLOSED.value)
        row = (await connection.execute(this)).one_or_none()
        if row is None:
            raise UnknownUser(user=user_id)
        if not await _is_on(connection, user_id):
            raise SecondFactorOff
        await _forget(connection, user_id)
        await users.end_sessions(connection, user_id, now_us=shop.clock())
        await users.log(connection, "user.second_factor", row, actor_id=actor_id, now_us=shop.clock())


async def require(shop: Shop, *, user_id: int, code: str | None, attempt: Attempt) -> None:
    """Uses up the code of a user whose password fits; nothing for who has no second factor.

    A wrong code stays counted with the password's try; a missing one does not: whoever was not asked for it
    could not know.

    Raises:
        SecondFactorNeeded: the code is missing.
        SecondFactorWrong: it is none, is too old, or was used.
    """
    async with writing(shop.engine) as connection:
        since_us = await connection.scalar(select(_users.c.second_factor_us).where(_users.c.id == user_id))
        if since_us is None:
            return
        if code:
            await use(shop, connection, user_id=user_id, code=code)
            return
        await login_throttle.forgive(connection, attempt)
    raise SecondFactorNeeded


async def use(shop: Shop, connection: AsyncConnection, *, user_id: int, code: str) -> None:
    """Uses up a code of the user's app, or a recovery code, in the connection's transaction.

    Raises:
        SecondFactorWrong: it is none, is too old, or was used.
    """
    plain = _plain(code)
    if _APP_CODE.fullmatch(plain):
        used = await _use_app_code(shop, connection, user_id, plain)
    else:
        one = update(codes).where(
            codes.c.user_id == user_id, codes.c.code_hash == _hashed(plain), codes.c.used_us.is_(None)
        )
        used = (await connection.execute(one.values(used_us=shop.clock()))).rowcount == 1
    if not used:
        raise SecondFactorWrong


async def forget_closed(shop: Shop) -> None:
    """Deletes what is kept of users who are gone."""
    gone = select(_users.c.id).where(_users.c.state == UserState.CLOSED.value)
    async with writing(shop.engine) as connection:
        for table in (factors, codes):
            await connection.execute(delete(table).where(table.c.user_id.in_(gone)))


async def _use_app_code(shop: Shop, connection: AsyncConnection, user_id: int, code: str) -> bool:
    kept = await connection.scalar(select(factors.c.secret).where(factors.c.user_id == user_id))
    secret = None if kept is None else _read(shop, kept, user_id)
    if secret is None:
        return False
    app, now = pyotp.TOTP(secret), shop.clock() // _STEP_US
    for step in range(now - STEPS_AROUND, now + STEPS_AROUND + 1):
        if hmac.compare_digest(app.at(step * STEP_SECONDS), code):
            # Asked by what writes it: of two who send one code at once, one is let in.
            once = update(factors).where(factors.c.user_id == user_id, factors.c.last_step < step)
            return (await connection.execute(once.values(last_step=step))).rowcount == 1
    return False


def _set_up(secret: str, username: str, issuer: str) -> SetUp:
    # No colon: apps part the shop from the name by it.
    name, shop_name = (one.replace(":", " ") for one in (username, issuer))
    return SetUp(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=shop_name))


def _read(shop: Shop, kept: str, user_id: int) -> str | None:
    """The app's secret; None for what another secret of the shop encrypted, or is another user's."""
    try:
        read = msgspec.json.decode(shop.tokens.decrypt(kept), type=_Kept)
    except ValueError:
        return None
    return read.secret if read.user == user_id else None


async def _is_on(connection: AsyncConnection, user_id: int) -> bool:
    """Locks the user: of two who turn it on at once, one finds it on."""
    query = select(_users.c.second_factor_us).where(_users.c.id == user_id)
    return await connection.scalar(query.with_for_update(key_share=True)) is not None


async def _new_codes(connection: AsyncConnection, user_id: int) -> list[str]:
    await connection.execute(delete(codes).where(codes.c.user_id == user_id))
    made = [invent() for _ in range(RECOVERY_CODES)]
    rows = [{"user_id": user_id, "code_hash": _hashed(_plain(one))} for one in made]
    await connection.execute(insert(codes), rows)
    return made


async def _forget(connection: AsyncConnection, user_id: int) -> None:
    for table in (factors, codes):
        await connection.execute(delete(table).where(table.c.user_id == user_id))
    await connection.execute(update(_users).where(_users.c.id == user_id).values(second_factor_us=None))


def _plain(code: str) -> str:
    """However it is typed: apps show a space in the middle, and recovery codes have dashes."""
    return re.sub(r"[\s-]", "", code[:CODE_LENGTH_MAX]).lower()


def _hashed(plain: str) -> bytes:
    # 80 bits of chance need no slow hash.
    return hashlib.sha256(b"recovery\0" + plain.encode(errors="surrogatepass")).digest()
