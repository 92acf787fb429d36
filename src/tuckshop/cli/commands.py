"""How commands read their words and how they fail, the same for all of them."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from tuckshop.cli.errors import explain

EXIT_FOUND = 1  # Something was examined and found wrong.
EXIT_WRONG = 2  # What click itself says for a wrong option.
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count.


class Command(click.Command):
    """A command that refuses an option given twice: which of the two was meant?"""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's."""
        _require_once(self, ctx, args)
        return super().parse_args(ctx, args)


class Change(Command):
    """A command that can change a shop: it first says on standard error which one that is."""

    def invoke(self, ctx: click.Context) -> Any:
        """As click's."""
        from tuckshop.cli import which_shop

        which_shop.announce()
        return super().invoke(ctx)


class Commands(click.Group):
    """A group of commands whose every failure is one line."""

    command_class: type[click.Command] | None = Command
    group_class: type[click.Group] | type[type] | None = type

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's."""
        _require_once(self, ctx, args)
        return super().parse_args(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs a command and exits; with `standalone_mode` off it returns or raises, as click does."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode, **extra)
        try:
            status = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            status = EXIT_WRONG
        except BrokenPipeError:  # The reader has seen enough: `tuckshop user list | head`.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = 0
        except (click.Abort, KeyboardInterrupt):
            click.echo("Stopped.", err=True)
            status = EXIT_INTERRUPTED
        except Exception as error:  # noqa: BLE001  # Nobody at a terminal is served by a traceback.
            click.echo(f"Error: {explain(error)}", err=True)
            status = EXIT_WRONG
        sys.exit(status if isinstance(status, int) else 0)


def _require_once(command: click.Command, ctx: click.Context, args: list[str]) -> None:
    _, _, order = command.make_parser(ctx).parse_args(list(args))
    for parameter, count in Counter(order).items():
        if isinstance(parameter, click.Option) and count > 1 and not parameter.multiple:
            raise click.UsageError(f"{parameter.opts[0]} can be given only once.", ctx)


class Whole(click.ParamType[int]):
    """A whole number in plain digits, within limits."""

    name = "number"

    def __init__(self, least: int, most: int) -> None:
        self.least = least
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; fails in one line."""
        if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value, re.ASCII) is None:
            self.fail(f"{value!r} is not a whole number.", param, ctx)
        number = int(value)
        if not self.least <= number <= self.most:
            self.fail(f"it must be from {self.least} to {self.most}.", param, ctx)
        return number


class Filled(click.ParamType[str]):
    """Some text, not none."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text; fails in one line."""
        if not value.strip():
            self.fail("it must not be empty.", param, ctx)
        try:
            value.encode()
        except UnicodeEncodeError:  # Python keeps bytes of the command line that are no text as surrogates.
            self.fail("it is not UTF-8.", param, ctx)
        return str(value)


FILLED = Filled()
