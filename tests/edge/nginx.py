"""The nginx configuration of deploy/nginx, run as it is but for its ports; and nodes that keep requests."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.request import urlopen

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.limits import HANG_SECONDS
from tests.programs import found, running
from tests.server import ROOT
from tools.loopback import HOST, free_port

DEPLOY = ROOT / "deploy" / "nginx"
_PORTS = range(10_000, 20_000)
_MAIN = """
{user}
worker_processes 2;
daemon off;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path bodies;
    proxy_temp_path proxied;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    access_log off;
    {more}
    include conf.d/*.conf;
}}
"""


@dataclass(frozen=True)
class Edge:
    """A running nginx before these nodes."""

    port: int
    http_port: int
    folder: Path

    @property
    def address(self) -> str:
        """Where browsers find the shop."""
        return f"https://{HOST}:{self.port}"

    @property
    def certificate(self) -> Path:
        """What it shows, and what clients have to trust."""
        return self.folder / "tuckshop" / "certificate.pem"

    def trust(self) -> ssl.SSLContext:
        """TLS as a client has it who knows the certificate."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def client(self, **more: object) -> httpx.AsyncClient:
        """A client over HTTP/1.1."""
        limits = httpx.Limits(max_connections=50)
        return httpx.AsyncClient(
            base_url=self.address,
            verify=self.trust(),
            timeout=HANG_SECONDS,
            limits=limits,
            **more,  # type: ignore[arg-type]
        )

    async def curl(self, *arguments: str) -> str:
        """What curl prints, over HTTP/2."""
        words = ["curl", "--silent", "--show-error", "--http2", "--cacert", str(self.certificate), *arguments]
        process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)
        async with asyncio.timeout(HANG_SECONDS):
            told, _ = await process.communicate()
        assert process.returncode == 0
        return told.decode()


def make_certificate(folder: Path) -> None:
    """certificate.pem and key.pem: ECDSA on P-256, for loopback."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example.org")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address(HOST))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)


def changed(text: str, changes: Mapping[str, str]) -> str:
    """The text with each of these once replaced. Raises LookupError: one is not there once."""
    for old, new in changes.items():
        if text.count(old) != 1:
            raise LookupError(f"not once in the configuration: {old}")
        text = text.replace(old, new)
    return text


@contextmanager
def serving_edge(
    home: Path,
    *,
    nodes: Sequence[int],
    port: int | None = None,
    changes: Mapping[str, str] | None = None,
    proxy: Mapping[str, str] | None = None,
    main: str = "",
) -> Iterator[Edge]:
    """nginx before the nodes at these ports.

    `changes`, `proxy`: other texts in tuckshop.conf and proxy.conf; `main`: more settings beside them.
    """
    folder = home / "nginx"
    (folder / "conf.d").mkdir(parents=True)
    (folder / "tuckshop").mkdir()
    made = Edge(port or free_port(_PORTS), free_port(_PORTS), folder)
    listens = {
        "    listen 80 default_server;\n": f"    listen {HOST}:{made.http_port} default_server;\n",
        "    listen [::]:80 default_server;\n": "",
        "    listen 443 ssl http2 default_server;\n": f"    listen {HOST}:{made.port} ssl http2;\n",
        "    listen [::]:443 ssl http2 default_server;\n": "",
    }
    shipped = (DEPLOY / "tuckshop.conf").read_text()
    (folder / "conf.d" / "tuckshop.conf").write_text(changed(shipped, {**listens, **(changes or {})}))
    headers = (DEPLOY / "proxy.conf").read_text()
    (folder / "tuckshop" / "proxy.conf").write_text(changed(headers, proxy or {}))
    lines = [f"server {HOST}:{node} max_fails=1 fail_timeout=5s;\n" for node in nodes]
    (folder / "tuckshop" / "nodes.conf").write_text("".join(lines))
    make_certificate(folder / "tuckshop")
    user = "user root;" if os.geteuid() == 0 else ""  # Others may not read pytest's folders.
    (folder / "nginx.conf").write_text(_MAIN.format(user=user, more=main))
    command = [found("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    with running(command, folder=folder, is_ready=lambda: _is_up(made.http_port)):
        yield made


def _is_up(port: int) -> bool:
    try:
        with urlopen(f"http://{HOST}:{port}/health/edge", timeout=HANG_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@dataclass
class Node:
    """A node that writes down each request, and answers all in one way; without an `answer`, it hangs up."""

    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    port: int = 0
    heads: list[str] = field(default_factory=list)

    def header(self, name: str) -> list[str]:
        """The values of a header in the last request."""
        lines = [line.partition(":") for line in self.heads[-1].split("\r\n")[1:]]
        return [value.strip() for known, _, value in lines if known.lower() == name.lower()]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self.heads.append(head)
                if lengths := self.header("content-length"):
                    await reader.readexactly(int(lengths[0]))
                if not self.answer:
                    break
                writer.write(self.answer)
                await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def nodes(*answering: Node) -> AsyncIterator[Sequence[int]]:
    """The ports of these nodes."""
    servers = []
    for node in answering:
        server = await asyncio.start_server(node.serve, HOST, 0)
        node.port = server.sockets[0].getsockname()[1]
        servers.append(server)
    try:
        yield [node.port for node in answering]
    finally:
        for server in servers:
            server.close()
