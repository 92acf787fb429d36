"""The doors open only on a shop that can be served, and close in good order."""

import http.client
import re
import signal
import socket
import sqlite3
import threading
import time
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Environment, Terminal
from tests.cli.server import serving
from tests.limits import HANG_SECONDS
from tools.loopback import free_port
from tuckshop.cli import serve
from tuckshop.identity.access_tokens import fingerprint
from tuckshop.store.migrations import revisions


def test_serves_until_sigterm(open_terminal: Terminal) -> None:
    with serving("serve", cwd=open_terminal.home) as server:
        assert b"ready" in server.get("/health/ready")
        # An idle connection must not keep the shop open.
        idle = http.client.HTTPConnection(urlsplit(server.url).netloc)
        idle.request("GET", "/health/live")
        idle.getresponse().read()
        out, error = server.end()
        idle.close()
    assert f"The shop is running at {server.url}" in out
    assert "/docs" in out
    assert error.startswith("Warning: this server does not use HTTPS")
    assert error.count("\n") == 1
    assert not open_terminal.database.with_name("tuckshop.sqlite3-wal").exists()  # The till has been closed.


def test_warns_of_plain_http_alone(open_terminal: Terminal, environment: Environment) -> None:
    environment(public_url="https://shop.example.org", trusted_proxies="127.0.0.1")
    with serving("serve", cwd=open_terminal.home) as server:
        _, error = server.end()
    assert error == ""


def test_warns_of_https_by_a_proxy_that_nobody_named(
    open_terminal: Terminal, environment: Environment
) -> None:
    environment(public_url="https://shop.example.org")
    with serving("serve", cwd=open_terminal.home) as server:
        _, error = server.end()
    assert error.startswith("Warning: no proxy is named in TUCKSHOP_TRUSTED_PROXIES")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("dialects", "undo", "is_warned"), [("kiosk", "", True), ("kiosk", "bounded", False), ("", "", False)]
)
def test_warns_of_what_guests_of_the_kiosk_may_undo(
    open_terminal: Terminal, environment: Environment, dialects: str, undo: str, is_warned: bool
) -> None:
    environment(public_url="https://shop.example.org", dialects=dialects, machine_undo=undo)
    with serving("serve", cwd=open_terminal.home) as server:
        _, error = server.end()
    assert ("TUCKSHOP_MACHINE_UNDO=bounded" in error) is is_warned


def test_a_shop_without_an_admin_gets_a_code_for_the_first(open_terminal: Terminal) -> None:
    open_terminal.tamper("UPDATE users SET is_admin = 0, is_buyer = 1")
    with serving("serve", cwd=open_terminal.home) as server:
        assert b"The first admin" in server.get("/office/first")
        out, _ = server.end()
    found = re.search(r"/office/first with this code: ([0-9a-f]{5}(-[0-9a-f]{5}){3})\n", out)
    assert found is not None
    with serving("serve", cwd=open_terminal.home) as server:
        again, _ = server.end()
    assert found[1] not in again  # Every start has its own.
    open_terminal.works("user", "add", "boss", "--role", "admin")
    with serving("serve", cwd=open_terminal.home) as server:
        out, _ = server.end()
    assert "code" not in out


def test_commands_take_their_turn_while_it_serves(open_terminal: Terminal) -> None:
    with serving("serve", cwd=open_terminal.home) as server:
        open_terminal.works("product", "add", "Cola", "1.50")
        for count in range(1, 4):
            assert f"Cola: {count} on the shelf" in open_terminal.works("stock", "add", "cola", "1")
        assert b"Cola" in server.get("/v1/products")
        open_terminal.works("user", "add", "ada")
        open_terminal.works("audit")
        server.end()


def test_commands_wait_for_a_writer(open_terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    open_terminal.works("product", "add", "Cola", "1.50")
    is_locked, is_waited_for = threading.Event(), threading.Event()
    connect = sqlite3.connect

    def hold() -> None:
        with closing(connect(open_terminal.database, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            is_locked.set()
            assert is_waited_for.wait(HANG_SECONDS)
            time.sleep(0.2)  # From the statement's beginning to its wait; a shorter wait is no failure.
            connection.execute("COMMIT")

    def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)

        def heard(statement: str) -> None:
            if statement == "BEGIN IMMEDIATE":
                is_waited_for.set()

        connection.set_trace_callback(heard)
        return connection

    monkeypatch.setattr(sqlite3, "connect", watched)
    for words in (("stock", "add", "cola", "1"), ("user", "add", "ada")):
        is_locked.clear()
        is_waited_for.clear()
        holder = threading.Thread(target=hold)
        holder.start()
        assert is_locked.wait(HANG_SECONDS)
        open_terminal.works(*words)
        assert is_waited_for.is_set()
        holder.join()


LOCKED = "Another program has locked the database. Stop that program and try again."


def test_a_lock_that_stays_is_said(open_terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuckshop.till.engine.queue.AWAY_PAUSE_SECONDS", 60)
    monkeypatch.setitem(sqlite_pragmas(), "busy_timeout", "200")
    with closing(sqlite3.connect(open_terminal.database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for words in (("product", "add", "Cola", "1.50"), ("user", "add", "ada")):
            answer = open_terminal(*words)
            assert (answer.code, answer.error) == (
                2,
                f"Error: {LOCKED} Nothing was changed.\n",
            )
        connection.execute("ROLLBACK")
    assert open_terminal.rows("SELECT count(*) FROM products") == [(0,)]


def sqlite_pragmas() -> dict[str, str]:
    from tuckshop.store import engine

    return engine.SQLITE_PRAGMAS


def test_refuses_a_port_in_use(open_terminal: Terminal) -> None:
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, option, 1)
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            assert f"Cannot listen on 127.0.0.1 port {port}" in open_terminal.refused("serve", "--port", port)


def test_refuses_several_workers_on_sqlite(open_terminal: Terminal) -> None:
    assert "SQLite supports one worker" in open_terminal.refused("serve", "--workers", "2")


def test_refuses_a_demo_database(open_terminal: Terminal) -> None:
    open_terminal.tamper("UPDATE shop SET is_demo = true")
    assert "Run `tuckshop demo`" in open_terminal.refused("serve")


def test_refuses_an_open_kiosk(open_terminal: Terminal, environment: Environment) -> None:
    environment(kiosk_open="1")
    for words in ((), ("--dialect", "kiosk")):
        told = open_terminal.refused("serve", *words)
        assert "TUCKSHOP_KIOSK_OPEN is for demos only" in told


def test_names_every_setting_that_dialects_need_at_once(
    open_terminal: Terminal, environment: Environment
) -> None:
    environment(dialects="simple-payment,app-demo,shop,kiosk")
    told = open_terminal.refused("serve")
    assert told.startswith("To serve simple-payment and app-demo and shop, set TUCKSHOP_COINS=self (")
    for setting in (
        "TUCKSHOP_TAB_LIMIT_CENTS=2000",
        "TUCKSHOP_TAB_FOR=everybody",
        "TUCKSHOP_SELLER_REGISTRATION=open",
    ):
        assert told.count(setting) == 1
    assert "`tuckshop config --for simple-payment --for app-demo --for shop`" in told
    environment(dialects="shop", tab_limit_cents="500")
    told = open_terminal.refused("serve")  # Said by nobody: strangers would order, and be refused.
    assert "TUCKSHOP_TAB_FOR=everybody" in told
    assert "TUCKSHOP_TAB_LIMIT_CENTS" not in told


@pytest.mark.parametrize(("tab_for", "warnings"), [("approved", 1), ("everybody", 2)])
def test_says_what_it_lends_to_everybody(
    open_terminal: Terminal, environment: Environment, tab_for: str, warnings: int
) -> None:
    environment(dialects="shop", tab_limit_cents="500", tab_for=tab_for)
    with serving("serve", cwd=open_terminal.home) as server:
        _, error = server.end()
    assert error.count("Warning: ") == warnings
    assert ("can order on the tab, all of them together for up to 10000 cents" in error) == (warnings == 2)


@pytest.mark.parametrize("dialect", ["simple-payment", "vending-challenge", "app-demo"])
def test_serves_open_sellers_only_where_that_is_said(
    open_terminal: Terminal, environment: Environment, dialect: str
) -> None:
    environment(coins="self", tab_limit_cents="500", tab_for="approved", dialects=dialect)
    told = open_terminal.refused("serve")
    assert f"To serve {dialect}, set TUCKSHOP_SELLER_REGISTRATION=open (whoever registers may sell" in told
    for said in ("open", "approve"):
        environment(
            coins="self",
            tab_limit_cents="500",
            tab_for="approved",
            dialects=dialect,
            seller_registration=said,
        )
        with serving("serve", cwd=open_terminal.home) as server:
            server.get(f"/dialects/{dialect}/openapi.json")
            server.end()


def test_refuses_without_a_secret(open_terminal: Terminal, environment: Environment) -> None:
    (open_terminal.home / "secret.key").unlink()
    assert "no signing secret" in open_terminal.refused("serve")
    environment(secret="short")
    assert "too short" in open_terminal.refused("serve")


def test_refuses_an_older_database(open_terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuckshop.store.engine.revisions", lambda: (*revisions(), "9999"))
    assert "Run `tuckshop db upgrade`" in open_terminal.refused("serve")


def test_refuses_a_database_that_would_lose_sales(
    open_terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sqlite_pragmas(), "synchronous", "OFF")
    assert "does not wait for the disk" in open_terminal.refused("serve")


@pytest.mark.parametrize(
    "words",
    [
        ("--port", "0"),
        ("--port", "65536"),
        ("--port", "-1"),
        ("--port", "x"),
        ("--port", ""),
        ("--port", "1.5"),
        ("--port"),
        ("--port", "9" * 30),
        ("--port", "8000", "--port", "8001"),
        ("--workers", "0"),
        ("--workers", "65"),
        ("--workers", "x"),
        ("--host", ""),
        ("--host", "no such host"),
        ("--host", "x" * 300),
        ("--host", "192.0.2.1"),  # TEST-NET-1: nobody's own
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_refuses_wrong_options(open_terminal: Terminal, words: tuple[str, ...]) -> None:
    open_terminal.refused("serve", *words)


def test_addresses_are_ones_to_click_on() -> None:
    assert serve.address("0.0.0.0", 80) == "http://127.0.0.1:80"
    assert serve.address("::", 80) == "http://[::1]:80"
    assert serve.address("localhost", 80) == "http://localhost:80"
    assert serve.require_free("localhost", free_port()) in ("127.0.0.1", "::1")


def test_the_first_serve_stores_the_key_and_another_key_is_refused(open_terminal: Terminal) -> None:
    known = fingerprint(b"k" * 64)
    with serving("serve", cwd=open_terminal.home) as server:
        out, _ = server.end()
    assert f"Stored the fingerprint of the signing key ({known})" in out
    assert open_terminal.rows("SELECT key_fingerprint FROM shop") == [(known,)]
    with serving("serve", cwd=open_terminal.home) as server:
        out, _ = server.end()
    assert "fingerprint" not in out
    path = open_terminal.home / "secret.key"
    path.write_text("x" * 64)
    assert f"Copy secret.key from the first node to {path}" in open_terminal.refused("serve")


def test_refuses_a_second_server_on_one_file(open_terminal: Terminal) -> None:
    with serving("serve", cwd=open_terminal.home) as server:
        told = open_terminal.refused("serve", "--port", str(free_port()))
        assert told.startswith(f"Another server is running on the database {open_terminal.database}. Stop it")
        open_terminal.works("product", "add", "Cola", "1.50")  # Commands still take their turn.
        server.end()
    with serving("serve", cwd=open_terminal.home) as server:
        server.end()


@pytest.mark.postgres
def test_serves_with_several_workers_on_postgresql(terminal: Terminal, postgres_url: str) -> None:
    terminal.home.mkdir()
    with serving(
        "serve", "--workers", "2", cwd=terminal.home, database_url=postgres_url, secret="s" * 32
    ) as server:
        assert b"ready" in server.get("/health/ready")
        server.end()


def test_a_signal_while_another_is_handled_is_not_in_its_way() -> None:
    server: Any = serve.server_class()("tuckshop.app:create_served_app")

    class Interrupted(threading.Event):
        def set(self) -> None:
            with self._cond:  # type: ignore[attr-defined]
                server.signal_handler_interrupt(signal.SIGTERM, None)
            super().set()

    server.main_loop_interrupt = Interrupted()
    handling = threading.Thread(
        target=server.signal_handler_interrupt, args=(signal.SIGTERM, None), daemon=True
    )
    handling.start()
    handling.join(HANG_SECONDS)
    assert not handling.is_alive()
    assert server.main_loop_interrupt.is_set()
