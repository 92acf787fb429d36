"""A small OpenID Connect provider for tests: it lets in whom the test says, and lies as asked."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tools.loopback import HOST

CLIENT, SECRET = "tuckshop", "the client's secret"


def key(kid: str = "first") -> RSAKey:
    """A provider's key."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


@dataclass
class Provider:
    """What the provider says, for the test to change."""

    port: int
    key: RSAKey | ECKey = field(default_factory=key)
    algorithm: str = "RS256"
    claims: dict[str, Any] = field(default_factory=dict)  # instead of the usual ones; None: left out
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # by path, instead of the usual ones
    signed_with: Any = None  # another key than the one that is published
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        """Its name."""
        return f"http://{HOST}:{self.port}"

    def let_in(self, address: str) -> dict[str, str]:
        """Somebody has logged in where the shop has sent them; what they bring back."""
        given = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert given["response_type"] == "code"
        assert given["client_id"] == CLIENT
        assert given["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = given
        return {"code": code, "state": given["state"]}

    def answer(self, path: str, posted: dict[str, str], authorization: str) -> tuple[int, bytes]:
        """One request's answer."""
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            return 200, json.dumps(
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/keys",
                }
            ).encode()
        if path == "/keys":
            return 200, json.dumps({"keys": [self.key.as_dict(private=False)]}).encode()
        if path == "/token":
            return self._token(posted, authorization)
        return 404, b""

    def _token(self, posted: dict[str, str], authorization: str) -> tuple[int, bytes]:
        begun = self.codes.pop(posted.get("code", ""), None)
        challenge = hashlib.sha256(posted.get("code_verifier", "").encode()).digest()
        told = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        client = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if client != f"{CLIENT}:{SECRET}":
            return 401, b'{"error": "invalid_client"}'
        if (
            begun is None
            or begun["code_challenge"] != told
            or begun["redirect_uri"] != posted["redirect_uri"]
        ):
            return 400, b'{"error": "invalid_grant"}'
        claims = {
            "iss": self.issuer,
            "sub": "4711",
            "aud": CLIENT,
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
            "nonce": begun["nonce"],
            "preferred_username": "ada",
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.key.kid}
        signed = jwt.encode(header, claims, self.signed_with or self.key, algorithms=[self.algorithm])
        answer = {"access_token": "none of ours", "token_type": "Bearer", "id_token": signed}
        return 200, json.dumps(answer).encode()


@contextmanager
def serving_provider() -> Iterator[Provider]:
    """A provider, to the end of the context."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, posted: dict[str, str]) -> None:
            path = urlsplit(self.path).path
            status, content = provider.answer(path, posted, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    provider = Provider(server.server_port)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
