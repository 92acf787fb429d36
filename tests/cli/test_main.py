"""However a command fails, it is one line, exit code 2, and no traceback."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from tests.cli.conftest import Environment, Terminal
from tests.samples import invalid, sample
from tuckshop.cli import file_problems
from tuckshop.cli.commands import Change
from tuckshop.cli.errors import FIELD_PROBLEMS, TABLE, explain, sentence
from tuckshop.cli.main import cli
from tuckshop.domain import refusals
from tuckshop.domain.field_problems import NotADecimal, field_problems
from tuckshop.imports.file_problems import FileProblem, InvalidCell
from tuckshop.operations.copy import CopyFailed
from tuckshop.store.ids_behind import IdsBehind
from tuckshop.till.engine.queue import Busy, Defect
from tuckshop.till.sql.books import OutcomeUnknown, Unavailable


@pytest.mark.parametrize("refusal", [*map(sample, refusals.leaves()), *invalid()], ids=str)
def test_every_refusal_has_a_sentence(refusal: refusals.Refusal) -> None:
    told = sentence(refusal)
    assert told.endswith(".")
    assert "{" not in told


@pytest.mark.parametrize("problem", [*map(sample, FileProblem.__subclasses__())], ids=str)
def test_every_problem_of_a_file_has_a_sentence(problem: FileProblem) -> None:
    told = file_problems.sentence(problem, 2)
    assert told.startswith("Line 2")
    assert told.endswith(".")
    assert "{" not in told


def test_the_tables_have_no_other_rows() -> None:
    assert set(TABLE) == set(refusals.leaves())
    assert set(FIELD_PROBLEMS) == set(field_problems())
    assert set(file_problems.TABLE) == set(FileProblem.__subclasses__())


def test_a_file_cannot_speak_to_the_terminal() -> None:
    told = file_problems.sentence(InvalidCell("price", "\x1b[2J", NotADecimal()), 2)
    assert told == "Line 2, price: '\\x1b[2J' is not a number. Write it as 1.50."


def test_amounts_are_told_in_major_units() -> None:
    refusal = refusals.InsufficientFunds(needed_cents=250, balance_cents=90)
    assert sentence(refusal) == "This costs 2.50, but the wallet has only 0.90."
    assert sentence(refusal, exponent=0) == "This costs 250, but the wallet has only 90."


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (click.UsageError("two\n lines"), "two lines"),
        (Busy(), "Nothing was changed"),
        (Unavailable("x"), "Nothing was changed"),
        (OutcomeUnknown(), "Check whether the command took effect"),
        (PermissionError(13, "Permission denied", "/x/y"), "Permission denied: /x/y."),
        (IdsBehind("orders"), "The next id of orders is used already"),
        (CopyFailed("Nothing was copied."), "Nothing was copied."),
        (Defect("PlaceOrder"), "bug in Tuckshop (Defect)"),
        (ModuleNotFoundError("No module named 'x'"), "installation of Tuckshop is incomplete"),
        (KeyError("secret"), "bug in Tuckshop (KeyError)"),
    ],
)
def test_every_error_is_one_line(error: Exception, told: str) -> None:
    assert told in explain(error)
    assert "\n" not in explain(error)


def every_command(
    of: click.Command = cli, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Each command and group with its words, the program itself first."""
    yield words, of
    for name, one in getattr(of, "commands", {}).items():
        yield from every_command(one, (*words, name))


COMMANDS = [words for words, _ in every_command()]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(terminal: Terminal, words: tuple[str, ...]) -> None:
    told = terminal.works(*words, "--help")
    assert told.startswith("Usage: ")
    assert terminal.works(*words, "-h") == told


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom tuckshop.cli.main import cli\ncli(['--help'], standalone_mode=False)\n"
        "print(sorted({'starlette', 'sqlalchemy', 'PIL', 'rich', 'asyncpg', 'granian'} & {*sys.modules}))"
    )
    told = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert told.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "words",
    [
        ("nope",),
        ("--nope",),
        ("user", "nope"),
        ("serve", "--nope"),
        ("serve", "extra"),
        ("stock", "set", "cola", "-5"),
        ("user", "list", "--role"),
    ],
    ids=" ".join,
)
def test_unknown_words_are_refused(open_terminal: Terminal, words: tuple[str, ...]) -> None:
    open_terminal.refused(*words)


def test_without_a_command_it_says_what_there_is(terminal: Terminal) -> None:
    for words in ((), ("user",), ("stock",)):
        answer = terminal(*words)
        assert (answer.code, answer.out) == (2, "")
        assert "Commands:" in answer.error


NEEDS_A_SHOP = [
    ("serve",),
    ("audit",),
    ("user", "list"),
    ("user", "add", "ada"),
    ("user", "show", "ada"),
    ("user", "roles", "ada", "buyer"),
    ("user", "reset-second-factor", "ada"),
    ("user", "disable", "ada"),
    ("user", "enable", "ada"),
    ("user", "password", "ada"),
    ("product", "list"),
    ("product", "add", "cola", "1.50"),
    ("product", "show", "cola"),
    ("product", "change", "cola", "--price", "1"),
    ("product", "remove", "cola"),
    ("product", "approve", "cola"),
    ("product", "samples"),
    ("stock", "list"),
    ("stock", "add", "cola", "1"),
    ("stock", "set", "cola", "1"),
    ("stock", "move", "cola", "1", "--to", "hall"),
    ("user", "approve", "ada"),
    ("user", "payout-delay", "ada", "0"),
    ("user", "close", "ada"),
    ("user", "selling", "ada"),
    ("user", "sessions", "list", "ada"),
    ("user", "sessions", "end", "ada"),
    ("machine", "add", "hall"),
    ("machine", "list"),
    ("machine", "show", "hall"),
    ("machine", "change", "hall", "--name", "foyer"),
    ("machine", "key", "hall"),
    ("machine", "pair", "hall"),
    ("machine", "screens", "hall"),
    ("machine", "shelves", "show", "hall"),
    ("machine", "shelves", "set", "hall", "cola", "--slot", "A1"),
    ("coins", "show"),
    ("coins", "fill", "50x2"),
    ("coins", "count", "50x2"),
    ("coins", "collect", "50x2"),
    ("order", "list"),
    ("order", "show", "1"),
    ("order", "refund", "1"),
    ("order", "dispense", "1"),
    ("order", "cancel", "1"),
    ("tab", "list"),
    ("tab", "show", "ada"),
    ("tab", "limit", "ada", "5"),
    ("tab", "settle", "ada", "50x2"),
    ("topup", "ada", "5", "--ref", "bank"),
    ("payout", "ada", "--ref", "bank"),
    ("transfer", "reverse", "1", "--reason", "typed wrong"),
    ("report", "sales"),
    ("report", "earnings"),
    ("report", "statement", "ada"),
    ("export", "products"),
    ("export", "users"),
    ("export", "orders"),
    ("import", "products", "-"),
    ("import", "undo", "some-key"),
    ("retention",),
    ("backup", "shop.tar"),
    ("copy", "--to", "sqlite:///copy.sqlite3"),
    ("db", "status"),
    ("db", "upgrade"),
    ("db", "sequences"),
]


@pytest.mark.parametrize("words", NEEDS_A_SHOP, ids=" ".join)
def test_a_missing_database_is_said_and_not_made(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert "Create one with `tuckshop init`" in terminal.refused(*words)
    assert not terminal.home.exists()


READS = {
    ("demo",),
    ("config",),
    ("status",),
    ("health",),
    ("systemd",),
    ("audit",),
    ("backup",),
    ("user", "list"),
    ("user", "show"),
    ("user", "sessions", "list"),
    ("product", "list"),
    ("product", "show"),
    ("stock", "list"),
    ("machine", "list"),
    ("machine", "show"),
    ("machine", "shelves", "show"),
    ("coins", "show"),
    ("order", "list"),
    ("order", "show"),
    ("tab", "list"),
    ("tab", "show"),
    ("report", "sales"),
    ("report", "earnings"),
    ("report", "statement"),
    ("export", "openapi"),
    ("export", "postman"),
    ("export", "products"),
    ("export", "users"),
    ("export", "orders"),
    ("db", "status"),
}
"""What changes no shop, or makes one of its own."""


def test_every_command_that_changes_a_shop_says_which_one() -> None:
    """Whoever adds a command that only reads adds it there."""
    names = {words: one for words, one in every_command() if not isinstance(one, click.Group)}
    assert {words for words, one in names.items() if not isinstance(one, Change)} == READS


HOSTILE = ("", "-1", "٣", "a\nb", "x" * 10_000, "9" * 30, "[red]", "\udcff", "'; --")


@pytest.mark.parametrize("words", NEEDS_A_SHOP[1:], ids=" ".join)
def test_no_word_breaks_a_command(open_terminal: Terminal, words: tuple[str, ...]) -> None:
    """Each word after the command itself, replaced by what nobody should type."""
    for scene in ("user add ada", "product add cola 1 --stock 2", "machine add hall", "coins fill 50x9"):
        open_terminal.works(*scene.split())
    arguments = [place for place, word in enumerate(words) if words[: place + 1] not in COMMANDS]
    for place in arguments:
        for word in HOSTILE:
            before = open_terminal.books()
            answer = open_terminal(*words[:place], word, *words[place + 1 :])
            assert answer.code in (0, 2), (word, answer)
            assert "defect" not in answer.error
            if answer.code == 2:
                assert answer.error.count("\n") == 1, (word, answer)
                assert open_terminal.books() == before


def test_every_command_is_tried_without_a_shop() -> None:
    """Whoever adds a command adds it there."""
    tried = {command for words in NEEDS_A_SHOP for command in COMMANDS if words[: len(command)] == command}
    alone = {
        ("init",),
        ("demo",),
        ("config",),
        ("restore",),
        ("status",),
        ("health",),
        ("systemd",),
        ("export", "openapi"),
        ("export", "postman"),
    }
    assert tried == set(COMMANDS) - alone


@pytest.mark.parametrize("words", NEEDS_A_SHOP[:3], ids=" ".join)
class TestUnusableDatabases:
    def test_newer(self, open_terminal: Terminal, words: tuple[str, ...]) -> None:
        open_terminal.tamper("UPDATE alembic_version SET version_num = '9999', compatible_since = '9999'")
        assert "newer" in open_terminal.refused(*words)

    def test_empty(self, open_terminal: Terminal, words: tuple[str, ...]) -> None:
        open_terminal.database.write_bytes(b"")
        assert "tuckshop init" in open_terminal.refused(*words)

    def test_foreign(self, open_terminal: Terminal, words: tuple[str, ...]) -> None:
        open_terminal.database.unlink()
        open_terminal.tamper("CREATE TABLE songs (id INTEGER)")
        assert "another program" in open_terminal.refused(*words)

    def test_no_database_at_all(self, open_terminal: Terminal, words: tuple[str, ...]) -> None:
        open_terminal.database.write_bytes(b"Dear diary, today ..." * 100)
        assert "not a SQLite database" in open_terminal.refused(*words)

    def test_of_no_known_kind(
        self, open_terminal: Terminal, environment: Environment, words: tuple[str, ...]
    ) -> None:
        environment(database_url="mysql://root:hunter22@localhost/shop")
        told = open_terminal.refused(*words)
        assert "TUCKSHOP_DATABASE_URL must look like" in told
        assert "hunter22" not in told

    def test_out_of_reach(
        self, open_terminal: Terminal, environment: Environment, words: tuple[str, ...]
    ) -> None:
        environment(database_url="postgresql://ada:hunter22@127.0.0.1:1/shop")
        told = open_terminal.refused(*words)
        assert "cannot be reached" in told
        assert "hunter22" not in told

    def test_wrong_setting(
        self, open_terminal: Terminal, environment: Environment, words: tuple[str, ...]
    ) -> None:
        environment(coins="everybody")
        assert "TUCKSHOP_COINS is not valid" in open_terminal.refused(*words)

    def test_unknown_setting(
        self, open_terminal: Terminal, environment: Environment, words: tuple[str, ...]
    ) -> None:
        environment(colour="red")
        assert "TUCKSHOP_COLOUR" in open_terminal.refused(*words)
