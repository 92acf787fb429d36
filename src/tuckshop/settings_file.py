"""The settings file: /etc/tuckshop/tuckshop.env, or the one that `--config` or TUCKSHOP_CONFIG names.

No file is found by the working directory: the same command works on the same shop in every folder.
"""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream

VARIABLE = "TUCKSHOP_CONFIG"  # Where the settings are; no setting itself.
USUAL = Path("/etc/tuckshop/tuckshop.env")
BYTES_MAX = 1 << 20  # Thousands of times what there is to say: whoever names a disk image should be told so.
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class FileInvalid(Exception):
    """The file cannot be used; the message is one sentence that names it."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a file says, by variable. Without a path: there is none.

    `is_public`: every user of the computer can read it.
    """

    path: Path | None
    values: Mapping[str, str]
    is_public: bool


NO_FILE = SettingsFile(None, {}, is_public=False)


def named() -> Path:
    """Where the file is, whether it exists or not."""
    name = os.environ.get(VARIABLE)
    return Path(name).absolute() if name else USUAL


def read() -> SettingsFile:
    """The file that is named, or the usual one if it exists. Raises FileInvalid."""
    path = named()
    if str(path) == os.devnull:
        return NO_FILE
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # A pipe can be read once, and a command reads its settings more often.
            raise FileInvalid(f"The settings file {path} is not a regular file.")
        with path.open("rb") as file:
            written = file.read(BYTES_MAX + 1)
    except (FileNotFoundError, NotADirectoryError):
        if not os.environ.get(VARIABLE):
            return NO_FILE
        raise FileInvalid(f"There is no settings file {path}. Correct --config or {VARIABLE}.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise FileInvalid(
            f"The settings file {path} cannot be read ({why}). Run the command as a user who may read it, or"
            " name another file with --config."
        ) from None
    if len(written) > BYTES_MAX:
        raise FileInvalid(f"The settings file {path} is larger than {BYTES_MAX >> 20} MiB.")
    return SettingsFile(path, _parse(written, path), is_public=bool(mode & stat.S_IROTH))


def _parse(written: bytes, path: Path) -> dict[str, str]:
    """Assignments as in `.env` files, each variable once. `$` is only a character: passwords have it."""
    try:
        text = written.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileInvalid(f"The settings file {path} is not UTF-8 text.") from None
    values: dict[str, str] = {}
    for one in parse_stream(io.StringIO(text)):
        where = f"Line {one.original.line + _blank_lines(one.original.string)} of the settings file {path}"
        if one.error or (one.key is not None and (one.value is None or not _NAME.fullmatch(one.key))):
            raise FileInvalid(f"{where} is not a setting. Write it as TUCKSHOP_PORT=8000.")
        if one.key is None or one.value is None:
            continue  # A comment, or nothing.
        if "\0" in one.value:
            raise FileInvalid(f"{where} has a character that no setting can have.")
        if one.key in values:
            raise FileInvalid(f"{where} sets {one.key} again. Set it once.")
        values[one.key] = one.value
    return values


def _blank_lines(text: str) -> int:
    """How many lines end before the first word: the parser counts from them."""
    return text[: len(text) - len(text.lstrip())].count("\n")
