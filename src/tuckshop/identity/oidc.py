"""Log-ins by an OpenID Connect provider: the authorization code flow, with PKCE, state and nonce.

Authlib talks to the provider and checks the claims of its ID token, joserfc the signature. Whatever the
provider answers is bounded in size and time, comes from https (or this computer), and is believed only if it
is signed with a key of the provider's own.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import structlog

from tuckshop.context import SignOnAway, SignOnBegun, SignOnRefused
from tuckshop.domain.sign_on import ExternalUser
from tuckshop.identity.addresses import is_loopback
from tuckshop.settings import PREFIX, Settings, SettingsInvalid

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

CALLBACK = "/login/oidc/callback"
ANSWER_SECONDS = 10  # For each step with the provider.
KEPT_SECONDS = 3_600  # Its addresses and keys; then they are asked for again.
KEYS_SECONDS_MIN = 60  # Between two looks for a key that was not there.
ANSWER_BYTES_MAX = 256 * 1024
AT_A_TIME = 50  # Whoever comes later is told at once.
LEEWAY_SECONDS = 60  # Between the provider's clock and ours.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures of a provider. None that takes a shared secret, and not `none`."""

log = structlog.get_logger(__name__)


class _Metadata(msgspec.Struct, frozen=True):
    """What is needed of a provider's own description (OpenID Connect Discovery, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = msgspec.field(
        default_factory=lambda: ["client_secret_basic"]
    )


class _Claims(msgspec.Struct, frozen=True):
    """What is read of an ID token that was checked."""

    sub: str
    preferred_username: str | None = None
    email: str | None = None
    email_verified: bool | None = None


class _Unusable(Exception):
    """The provider answered, but not as a provider does."""


class OidcProvider:
    """The provider that the settings name."""

    def __init__(self, given: Settings) -> None:
        """Raises SettingsInvalid."""
        self._issuer = given.oidc_issuer
        if not _is_safe(self._issuer):
            raise SettingsInvalid(
                f"{PREFIX}OIDC_ISSUER is not valid. Set an address such as https://login.example.org."
            )
        for name in ("oidc_client_id", "oidc_client_secret", "public_url"):
            if not getattr(given, name):
                raise SettingsInvalid(f"{PREFIX}{name.upper()} is missing. {PREFIX}OIDC_ISSUER needs it.")
        self.name = given.oidc_name or urlsplit(self._issuer).hostname or ""
        self._given = given
        self._redirect_uri = given.origin + CALLBACK
        self._metadata: tuple[float, _Metadata] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None
        self._asking = asyncio.Lock()
        self._running = 0

    async def begin(self) -> SignOnBegun:
        """Where a browser goes to log in, and what it must bring back. Raises SignOnAway."""
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                metadata = await self._described()
                async with self._client(metadata) as client:
                    url, state = client.create_authorization_url(
                        metadata.authorization_endpoint, nonce=nonce, code_verifier=verifier
                    )
        except _troubles() as error:
            raise _away(error) from None
        return SignOnBegun(url, state, nonce, verifier)

    async def finish(self, *, code: str, nonce: str, verifier: str) -> ExternalUser:
        """Whom the provider has let in with this code.

        Raises:
            SignOnAway: it does not answer.
            SignOnRefused: it does not know the code, or its token proves nothing here.
        """
        if self._running >= AT_A_TIME:
            raise SignOnAway
        self._running += 1
        try:
            async with asyncio.timeout(2 * ANSWER_SECONDS):
                metadata = await self._described()
                token = await self._redeemed(metadata, code, verifier)
                claims = await self._checked(metadata, token, nonce)
        except _troubles() as error:
            raise _away(error) from None
        finally:
            self._running -= 1
        return self._external(claims)

    def _external(self, claims: dict[str, Any]) -> ExternalUser:
        try:
            read = msgspec.convert(claims, _Claims)
        except msgspec.ValidationError as error:
            raise _refused(error) from None
        groups = claims.get(self._given.oidc_groups_claim)
        listed = groups if isinstance(groups, list) else [groups]
        return ExternalUser(
            self._issuer,
            read.sub,
            read.preferred_username or "",
            read.email if read.email_verified else None,
            frozenset(one for one in listed if isinstance(one, str)),
        )

    def _client(self, metadata: _Metadata | None = None) -> AsyncOAuth2Client:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        from tuckshop.identity.bounded_http import BoundedTransport

        methods = [] if metadata is None else metadata.token_endpoint_auth_methods_supported
        in_body = "client_secret_post" in methods and "client_secret_basic" not in methods
        return AsyncOAuth2Client(
            self._given.oidc_client_id,
            self._given.oidc_client_secret,
            token_endpoint_auth_method="client_secret_post" if in_body else "client_secret_basic",
            scope="openid profile email",
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=ANSWER_SECONDS,
            follow_redirects=False,
            transport=BoundedTransport(ANSWER_BYTES_MAX),
        )

    async def _described(self) -> _Metadata:
        async with self._asking:
            if self._metadata is None or time.monotonic() - self._metadata[0] > KEPT_SECONDS:
                address = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
                found = msgspec.json.decode(await self._fetched(address), type=_Metadata)
                if found.issuer != self._issuer:
                    raise _Unusable("it says that its issuer is another one")
                if not all(
                    map(_is_safe, (found.authorization_endpoint, found.token_endpoint, found.jwks_uri))
                ):
                    raise _Unusable("its addresses are not https")
                self._metadata = time.monotonic(), found
            return self._metadata[1]

    async def _key_set(self, metadata: _Metadata, *, again: bool = False) -> dict[str, Any]:
        async with self._asking:
            age = None if self._keys is None else time.monotonic() - self._keys[0]
            if self._keys is None or age is None or age > (KEYS_SECONDS_MIN if again else KEPT_SECONDS):
                found = msgspec.json.decode(await self._fetched(metadata.jwks_uri), type=dict[str, Any])
                self._keys = time.monotonic(), found
            return self._keys[1]

    async def _fetched(self, address: str) -> bytes:
        async with self._client() as client:
            answer = await client.request("GET", address, withhold_token=True)
            if answer.status_code != 200:
                raise _Unusable(f"it answers {answer.status_code}")
            content: bytes = answer.content
            return content

    async def _redeemed(self, metadata: _Metadata, code: str, verifier: str) -> dict[str, Any]:
        from authlib.integrations.base_client import OAuthError

        async with self._client(metadata) as client:
            try:
                token = await client.fetch_token(
                    metadata.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                )
            except OAuthError as error:
                raise _refused(error) from None
        return dict(token)

    async def _checked(self, metadata: _Metadata, token: dict[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the ID token. Raises SignOnRefused."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        signed = token.get("id_token")
        if not isinstance(signed, str):
            raise _refused(_Unusable("there is no ID token"))
        read = None
        for again in (False, True):  # The provider may have changed its keys since.
            found = await self._key_set(metadata, again=again)
            try:
                keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
                read = jwt.decode(signed, keys, algorithms=list(ALGORITHMS))
                break
            except (JoseError, ValueError, RecursionError, TypeError, KeyError) as error:
                if again:
                    raise _refused(error) from None
        assert read is not None
        wanted = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._given.oidc_client_id},
            "nonce": {"essential": True, "value": nonce},
        }
        about = {
            "client_id": self._given.oidc_client_id,
            "nonce": nonce,
            "access_token": token.get("access_token"),
        }
        try:
            claims = CodeIDToken(read.claims, read.header, wanted, about)
            claims.validate(leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            raise _refused(error) from None
        return dict(read.claims)


def _is_safe(address: str) -> bool:
    """Whether nobody on the way reads or changes what is sent there."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def _troubles() -> tuple[type[Exception], ...]:
    """What comes of a provider that does not answer, or not as a provider does."""
    from authlib.common.errors import AuthlibBaseError
    from httpx import HTTPError, InvalidURL

    return (
        AuthlibBaseError, HTTPError, InvalidURL, OSError, RecursionError, TimeoutError, TypeError, ValueError,
        _Unusable,
    )  # fmt: skip


def _away(error: Exception) -> SignOnAway:
    log.error("oidc.away", kind=type(error).__name__, error=str(error)[:200])
    return SignOnAway()


def _refused(error: Exception) -> SignOnRefused:
    log.warning("oidc.refused", kind=type(error).__name__, error=str(error)[:200])
    return SignOnRefused()
