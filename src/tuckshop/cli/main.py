"""`tuckshop`: the commands, and how they fail.

Every failure is one line on standard error and exit code 2; `audit` alone has an exit code 1, for books
that it examined and found wrong. Commands import what they need when they run, so that `--help` is quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from tuckshop import __version__
from tuckshop.cli.failures import explain
from tuckshop.cli.serve import serve

EXIT_WRONG = 2  # What click itself says for a wrong option.
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count.


class Commands(click.Group):
    """A group of commands whose every failure is one line."""

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


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tuckshop")
def cli() -> None:
    """A prepaid shop in which every coin is accounted for.

    New here? `tuckshop demo` shows a lively shop; `tuckshop init` and `tuckshop serve` open your own.
    """


for command in (serve,):
    cli.add_command(command)
