"""`tuckshop status`: which shop this is, and how it is."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuckshop import __version__
from tuckshop.cli import output, which_shop
from tuckshop.cli.commands import EXIT_FOUND, Command
from tuckshop.cli.errors import explain
from tuckshop.cli.shop_access import run

if TYPE_CHECKING:
    from tuckshop.operations.shop_status import ShopStatus
    from tuckshop.settings import Settings

GIGABYTE = 1_000_000_000
NEVER = "never"


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_context
def status(ctx: click.Context, *, as_json: bool) -> None:
    """Show which shop this is: database, version, machines, last backup, last audit, key, disk.

    Exit code 0: the shop can be served from here. 1: something is in the way, and is named.
    """
    from tuckshop import settings

    given, file = settings.read(), settings.read_file()
    which_shop.warn(file)
    told: dict[str, Any] = {
        "name": given.shop_name,
        "version": __version__,
        "settings_file": None if file.path is None else str(file.path),
        **run(_database(given)),
        **_key(given),
        "disk": _disk(given),
    }
    told["problems"] = [one for one in (told.pop("database_problem"), told.pop("key_problem")) if one]
    if _is_other_key(told):
        told["problems"].append(
            "The key of this computer is not the shop's. Copy it from where the shop was set up."
        )
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        output.facts(_lines(told))
    if told["problems"]:
        ctx.exit(EXIT_FOUND)


async def _database(given: Settings) -> dict[str, Any]:
    """What lies where the settings say, as far as it can be read, and what is wrong with it."""
    from sqlalchemy.exc import DBAPIError

    from tuckshop.operations import shop_status
    from tuckshop.store.engine import DatabaseAway, DatabaseUnusable, check, opened_engine, read_state
    from tuckshop.store.migrations import revisions

    told: dict[str, Any] = {
        "database": which_shop.database(given),
        "revision": None,
        "revision_needed": revisions()[-1],
        "shop": None,
        "database_problem": None,
    }
    try:
        async with opened_engine(given.url) as engine:
            told["revision"] = (await read_state(engine)).revision
            await check(engine, unsafe_durability=True)
            told["shop"] = _shop(await shop_status.read(engine))
            await check(engine, unsafe_durability=given.unsafe_durability)
    except (DatabaseUnusable, DatabaseAway, DBAPIError) as error:
        told["database_problem"] = explain(error)
    return told


def _shop(found: ShopStatus) -> dict[str, Any]:
    last_audit = found.last_audit
    return {
        "currency": found.currency,
        "demo": found.is_demo,
        "machines": found.machines,
        "users": found.users,
        "key_fingerprint": found.key_fingerprint,
        "last_audit": last_audit
        and {"at": _instant(last_audit.at_us), "passed": not last_audit.failed_rules},
        **{
            name: last and {"at": _instant(last.at_us), "passed": last.is_good}
            for name, last in (
                ("last_backup", found.last_backup),
                ("last_restore_test", found.last_restore_test),
            )
        },
    }


def _instant(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us // 1_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _key(given: Settings) -> dict[str, Any]:
    """The fingerprint of this computer's key."""
    from tuckshop.identity.access_tokens import fingerprint
    from tuckshop.settings import SettingsInvalid

    try:
        return {"key_fingerprint": fingerprint(given.signing_secret()), "key_problem": None}
    except SettingsInvalid as error:
        return {"key_fingerprint": None, "key_problem": str(error)}


def _is_other_key(told: dict[str, Any]) -> bool:
    """Whether both keys are known, and differ. A demo has a new key at every start."""
    shop = told["shop"] or {"key_fingerprint": None, "demo": False}
    known = {shop["key_fingerprint"], told["key_fingerprint"]} - {None}
    return len(known) > 1 and not shop["demo"]


def _disk(given: Settings) -> dict[str, Any] | None:
    """The disk of the SQLite file, otherwise of the shop's folder; that of a server is not seen from here."""
    path = Path(which_shop.database(given).removeprefix("sqlite:///")).parent
    folder = path if given.url.startswith("sqlite:") else given.home_path.absolute()
    for existing in (folder, *folder.parents):
        try:
            usage = shutil.disk_usage(existing)
        except OSError:  # Not made yet, or not ours to see.
            continue
        return {"folder": str(existing), "free_bytes": usage.free, "total_bytes": usage.total}
    return None


def _lines(told: dict[str, Any]) -> list[tuple[str, object]]:
    shop, disk = told["shop"], told["disk"]
    is_fine = told["revision"] == told["revision_needed"] or told["shop"] is not None
    needed = "up to date" if is_fine else f"this version needs {told['revision_needed']}"
    lines: list[tuple[str, object]] = [
        ("Shop", " ".join(told["name"].split())),
        ("Database", told["database"]),
        ("Revision", f"{told['revision'] or 'none'} ({needed})"),
        ("Version", told["version"]),
        ("Settings file", told["settings_file"] or "none"),
    ]
    if shop is not None:
        lines += [
            ("Currency", shop["currency"]),
            ("Demo", "yes" if shop["demo"] else "no"),
            ("Machines", f"{shop['machines']:,}"),
            ("Users", f"{shop['users']:,}"),
            ("Last backup", _last(shop["last_backup"])),
            ("Last restore test", _last(shop["last_restore_test"])),
            ("Last audit", _last(shop["last_audit"])),
            ("Key of the shop", shop["key_fingerprint"] or "not stored yet: the first `serve` stores it"),
        ]
    lines.append(("Key here", told["key_fingerprint"] or "none"))
    if disk is not None:
        free, total = (disk[name] / GIGABYTE for name in ("free_bytes", "total_bytes"))
        lines.append(("Disk free", f"{free:,.1f} of {total:,.1f} GB at {disk['folder']}"))
    return [*lines, *(("Problem", problem) for problem in told["problems"])]


def _last(told: dict[str, Any] | None) -> str:
    if told is None:
        return NEVER
    at = datetime.fromisoformat(told["at"])
    return f"{at:%Y-%m-%d %H:%M} UTC, {'passed' if told['passed'] else 'failed'}"
