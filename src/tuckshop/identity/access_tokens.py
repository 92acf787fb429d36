"""Signed tokens: what a client carries to show which session it belongs to.

JSON Web Tokens (RFC 7519) signed with HS256 and the shop's own secret. They name a user and a session and
nothing else that is trusted: roles and states are read with the books at every use. The audience says for
which interface a token is, and whether for calls or for new tokens.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Annotated

import msgspec
from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from tuckshop.context import Refreshing
from tuckshop.domain.refusals import SessionEnded
from tuckshop.identity import audiences
from tuckshop.identity.audiences import V1
from tuckshop.till.callers import SessionCaller

ACCESS_SECONDS = 300  # What was copied from a log or a screen is worthless soon.
REFRESH_SECONDS = 86_400
ACCESS = "tuckshop/access"
REFRESH = "tuckshop/refresh"
CACHE_MAX = 10_000  # Tokens whose signature need not be checked again; some 3 MB.
TOKEN_LENGTH_MAX = 2_048
FINGERPRINT_DIGITS = 32  # 128 bits: nobody finds a second secret with the same.
_ALGORITHM = "HS256"
_HEADER = {"alg": _ALGORITHM, "typ": "JWT"}
_ENCRYPTED = {"alg": "dir", "enc": "A256GCM"}
_CIPHERS = list(_ENCRYPTED.values())


class _Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What we write into a token, and nothing else."""

    aud: str
    sub: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,17}\Z")]
    sid: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    iat: int
    nbf: int
    exp: Annotated[int, msgspec.Meta(le=2**53)]
    jti: str
    gen: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 0

    @property
    def caller(self) -> SessionCaller:
        """Whose token it is."""
        return SessionCaller(self.sid, int(self.sub))


def fingerprint(secret: bytes) -> str:
    """What tells one secret from another, and nothing about it: 32 hexadecimal digits."""
    return hmac.digest(secret, b"\0tuckshop/fingerprint\0", "sha256").hex()[:FINGERPRINT_DIGITS]


class Tokens:
    """Makes and reads tokens. `clock` gives microseconds since 1970, UTC."""

    def __init__(self, *, secret: bytes, clock: Callable[[], int]) -> None:
        self._secret = secret
        self._key = OctKey.import_key(secret)
        # Of its own: no key does two things.
        self._cipher_key = OctKey.import_key(hmac.digest(secret, b"\0tuckshop/encrypt\0", "sha256"))
        self._clock = clock
        self._read: dict[str, tuple[int, SessionCaller, str]] = {}

    def access(self, caller: SessionCaller, *, audience: str = V1) -> str:
        """A token for calls, good for ACCESS_SECONDS."""
        return self._sign(caller, _aud(ACCESS, audience), ACCESS_SECONDS)

    def refresh(self, caller: SessionCaller, *, generation: int, audience: str = V1) -> str:
        """A token for new tokens, good for REFRESH_SECONDS or until the next one is made."""
        return self._sign(caller, _aud(REFRESH, audience), REFRESH_SECONDS, generation=generation)

    def caller(self, token: str, *, audience: str = V1) -> SessionCaller:
        """Whose access token this is. Raises SessionEnded for any that is not good here and now."""
        known = self._read.get(token)
        if known is None:
            claims = self._claims(token)
            known = claims.exp * 1_000_000, claims.caller, claims.aud
            if len(self._read) >= CACHE_MAX:
                self._read.clear()
            self._read[token] = known
        expires_us, caller, aud = known
        if expires_us <= self._clock():
            del self._read[token]
            raise SessionEnded
        _require(aud, ACCESS, audience)
        return caller

    def refreshing(self, token: str, *, audience: str = V1) -> Refreshing:
        """What a refresh token says. Raises SessionEnded for any that is not good here and now."""
        claims = self._claims(token)
        _require(claims.aud, REFRESH, audience)
        return Refreshing(claims.caller, claims.gen)

    def seal(self, signed: bytes) -> bytes:
        """A hash that nobody computes without the shop's secret: of what no plain hash may be kept.

        No signed token says the same: they hold no NUL.
        """
        return hmac.digest(self._secret, b"\0tuckshop/seal\0" + signed, "sha256")

    def encrypt(self, plain: bytes) -> str:
        """What nobody reads without the shop's secret (JWE, RFC 7516: AES-256 in GCM)."""
        return jwe.encrypt_compact(dict(_ENCRYPTED), plain, self._cipher_key, algorithms=_CIPHERS)

    def decrypt(self, kept: str) -> bytes:
        """What `encrypt` was given. Raises ValueError for anything else."""
        try:
            read = jwe.decrypt_compact(kept, self._cipher_key, algorithms=_CIPHERS)
        except JoseError as error:
            raise ValueError("not encrypted with the secret of this shop") from error
        if read.headers() != _ENCRYPTED or read.plaintext is None:
            raise ValueError("not encrypted as this shop does")
        return read.plaintext

    def _sign(self, caller: SessionCaller, aud: str, seconds: int, *, generation: int | None = None) -> str:
        now = self._clock() // 1_000_000
        claims = {
            "aud": aud,
            "sub": str(caller.user_id),
            "sid": caller.session_id,
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "jti": secrets.token_urlsafe(9),
        }
        if generation is not None:
            claims["gen"] = generation
        return jwt.encode(dict(_HEADER), claims, self._key, algorithms=[_ALGORITHM])

    def _claims(self, token: str) -> _Claims:
        if len(token) > TOKEN_LENGTH_MAX:
            raise SessionEnded
        try:
            read = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
            claims = msgspec.convert(read.claims, _Claims)
        except (JoseError, ValueError, RecursionError, msgspec.ValidationError) as error:
            raise SessionEnded from error
        now = self._clock() // 1_000_000
        in_time = max(claims.iat, claims.nbf) <= now < claims.exp
        # A header that we never write (kid, jku, crit ...) means a token that we never made.
        if read.header != _HEADER or not in_time:
            raise SessionEnded
        return claims


def _aud(use: str, audience: str) -> str:
    """The claim: what the token is for, and where; nothing behind it says everywhere, as it always did."""
    return use if audience == audiences.ANY else f"{use}/{audience}"


def _require(aud: str, use: str, audience: str) -> None:
    """Raises SessionEnded: a token of another use, or of another interface."""
    if aud not in (use, _aud(use, audience)):
        raise SessionEnded
