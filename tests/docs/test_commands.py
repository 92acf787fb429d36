"""Every command in the documentation is one that Tuckshop has, with options that it takes."""

from __future__ import annotations

import re

import click
import pytest

from tests.docs import pages
from tuckshop.cli.main import cli


def wrong(words: tuple[str, ...]) -> str | None:
    """What `tuckshop` would say of these words, or None. Nothing is run, and no value is looked at."""
    command: click.Command = cli
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "...":
            return None
        if word.startswith("-") and word != "-":
            name, _, value = word.partition("=")
            taken = [each for each in command.params if name in (*each.opts, *each.secondary_opts)]
            if name in ("-h", "--help"):
                return None
            if not taken:
                return f"{command.name} has no option {name}"
            if isinstance(taken[0], click.Option) and not (taken[0].is_flag or value) and rest:
                rest.pop(0)
        elif isinstance(command, click.Group):
            found = command.commands.get(word)
            if found is None:
                return f"{command.name} has no command {word}"
            command = found
        elif not any(isinstance(each, click.Argument) for each in command.params):
            return f"{command.name} takes no {word}"
    return None


def test_every_command_is_one() -> None:
    typed = list(pages.typed("tuckshop"))
    assert {"init", "backup", "restore", "copy", "config", "serve"} <= {
        each.words[0] for each in typed if each.words
    }
    assert [(each.page, each.line, why) for each in typed if (why := wrong(each.words))] == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("bakup x.tar", "cli has no command bakup"),
        ("backup x.tar --no-such", "backup has no option --no-such"),
        ("stock mve cola", "stock has no command mve"),
        ("audit now", "audit takes no now"),
    ],
)
def test_what_is_none_is_found(words: str, why: str) -> None:
    assert wrong(tuple(words.split())) == why


def test_make_has_every_target() -> None:
    makefile = (pages.ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][\w./-]*):(?!=)", makefile, flags=re.MULTILINE))
    named = {
        word
        for each in pages.typed("make")
        for word in each.words
        if "=" not in word and not word.startswith("-") and word != "..."
    }
    assert "docs" in named
    assert named - targets == set()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sudo -u tuckshop tuckshop init", [("init",)]),
        ("A=1 tuckshop serve --port 8001 & server=$!", [("serve", "--port", "8001")]),
        ("tuckshop audit && tuckshop status > file", [("audit",), ("status",)]),
        ("docker compose exec web tuckshop audit  # while it sells", [("audit",)]),
        ("createdb --owner tuckshop tuckshop", []),
        ("chgrp tuckshop /etc/tuckshop", []),
    ],
)
def test_reads_lines_as_a_shell(line: str, expected: list[tuple[str, ...]]) -> None:
    assert list(pages.commands(line, "tuckshop")) == expected
