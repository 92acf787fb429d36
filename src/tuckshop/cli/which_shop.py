"""Which shop a command works on, in one line on standard error: nobody should change another one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tuckshop.settings import Settings
    from tuckshop.settings_file import SettingsFile

FORMER = Path(".env")  # Was read from the working directory by releases up to 0.1.


def announce() -> None:
    """Names the shop of the settings in force. Raises SettingsInvalid."""
    from tuckshop import settings

    given, file = settings.read(), settings.read_file()
    read_from = f", settings from {file.path}" if file.path else ""
    click.echo(f"Shop: {' '.join(given.shop_name.split())} ({database(given)}){read_from}", err=True)
    warn(file)


def database(given: Settings) -> str:
    """The database without its password. A file is named in full, wherever the command runs."""
    address = given.redacted()["TUCKSHOP_DATABASE_URL"]
    path = address.removeprefix("sqlite:///")
    return address if path == address or not path else f"sqlite:///{Path(path).absolute()}"


def warn(file: SettingsFile) -> None:
    """Says what is wrong with the settings file, or with another that looks like one."""
    from tuckshop import settings, settings_file

    if settings.shows_secrets(file):
        click.echo(
            f"Warning: every user of this computer can read the secrets in {file.path}. Make it readable only"
            f" by the user who runs Tuckshop: chmod o-r {file.path}",
            err=True,
        )
    if file.path in (None, settings_file.USUAL) and _is_former():
        click.echo(
            "Warning: the file .env in this folder is not read. To use it, run `tuckshop --config .env ...`,"
            " or set TUCKSHOP_CONFIG.",
            err=True,
        )


def _is_former() -> bool:
    """Whether the working directory has settings that an earlier release would have read."""
    from tuckshop import settings_file

    try:
        if not FORMER.is_file():
            return False
        with FORMER.open("rb") as file:
            return b"TUCKSHOP_" in file.read(settings_file.BYTES_MAX)
    except OSError:
        return False
