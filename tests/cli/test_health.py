"""Whether the server is ready, as a supervisor asks."""

from __future__ import annotations

import socket

import pytest

from tests.cli.conftest import Environment, Terminal
from tests.cli.server import serving
from tools.loopback import free_port


def test_says_whether_the_server_is_ready(open_terminal: Terminal, environment: Environment) -> None:
    port = str(free_port())
    environment(port=port)
    answer = open_terminal("health")
    assert (answer.code, answer.out) == (1, "")
    assert answer.error == (
        f"The server is not ready at http://127.0.0.1:{port}/health/ready: Connection refused.\n"
    )
    with serving("serve", cwd=open_terminal.home) as server:
        environment(port=server.url.rpartition(":")[2], host="0.0.0.0")
        assert open_terminal.works("health", "--wait", "1") == "The server is ready.\n"
        open_terminal.tamper("DELETE FROM shop")
        answer = open_terminal("health")
        assert answer.code == 1
        assert answer.error.endswith("it answers 503.\n")


@pytest.mark.parametrize("host", ["no such host", "x" * 300, "::1"])
def test_wherever_it_is_to_listen_the_answer_is_one_line(
    terminal: Terminal, environment: Environment, host: str
) -> None:
    environment(host=host, port=str(free_port()))
    answer = terminal("health")
    assert (answer.code, answer.error.count("\n")) == (1, 1), answer


def test_another_program_there_is_not_ready(terminal: Terminal, environment: Environment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        environment(port=str(listener.getsockname()[1]))
        listener.listen()
        listener.settimeout(0)
        listener.close()
        assert terminal("health").code == 1
