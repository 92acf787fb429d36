"""`tuckshop`: all its commands. Each imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import click

from tuckshop import __version__
from tuckshop.cli.audit import audit
from tuckshop.cli.backup import backup, restore
from tuckshop.cli.coins import coins
from tuckshop.cli.commands import Commands
from tuckshop.cli.config import config
from tuckshop.cli.db import db
from tuckshop.cli.demo import demo
from tuckshop.cli.export import export
from tuckshop.cli.imports import import_
from tuckshop.cli.init import init
from tuckshop.cli.machine import machine
from tuckshop.cli.order import order
from tuckshop.cli.product import product
from tuckshop.cli.report import report
from tuckshop.cli.serve import serve
from tuckshop.cli.stock import stock
from tuckshop.cli.tab import tab
from tuckshop.cli.transfers import payout, topup, transfer
from tuckshop.cli.user import user


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tuckshop")
def cli() -> None:
    """Tuckshop: a prepaid shop and vending backend.

    Try `tuckshop demo` first. Set up your own shop with `tuckshop init`, then run `tuckshop serve`.
    """


for command in (demo, init, serve, user, product, stock, machine, coins, order, tab, topup, payout, transfer):
    cli.add_command(command)
for command in (report, export, import_, audit, backup, restore, db, config):
    cli.add_command(command)
