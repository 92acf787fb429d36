"""`tuckshop backup` and `tuckshop restore`."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tuckshop.cli import output
from tuckshop.cli.commands import EXIT_FOUND, FILLED, Change, Command
from tuckshop.cli.shop_access import run

if TYPE_CHECKING:
    from tuckshop.operations.backups.archive import Manifest
    from tuckshop.operations.backups.encryption import Keys, Lock
    from tuckshop.operations.backups.making import Made
    from tuckshop.operations.backups.restoring import Restored

T = TypeVar("T")
SECRET_BYTES_MAX = 65_536  # Of a file with a key or a passphrase: whatever is longer is something else.

passphrase_file_option = click.option(
    "--passphrase-file",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="The file with the passphrase; - is standard input.",
)
identity_option = click.option(
    "--identity",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The key file of age, or SSH key, for which the backup is encrypted.",
)


@click.command(cls=Command)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--keep", is_flag=True, help="PATH is a folder: keep 7 daily, 4 weekly and 12 monthly backups.")
@click.option("--check", is_flag=True, help="Try out the backup PATH, or the newest of a folder.")
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    type=FILLED,
    metavar="KEY",
    help="Encrypt for this public key of age (age1...) or SSH. Can be repeated.",
)
@click.option("--passphrase", is_flag=True, help="Encrypt with a passphrase, and ask for it.")
@passphrase_file_option
@identity_option
@click.pass_context
def backup(
    ctx: click.Context,
    path: Path,
    *,
    keep: bool,
    check: bool,
    recipients: tuple[str, ...],
    passphrase: bool,
    passphrase_file: str | None,
    identity: Path | None,
) -> None:
    """Back up the database and the key file to the new file PATH, while the shop sells.

    A copy of the database file that is made with `cp` lacks the latest sales. This one has them all.

    With --check, a backup is restored to a temporary place and audited there. The shop is not changed. Exit
    code 0: the backup is good. 1: the audit failed. 2: it cannot be restored.
    """
    if check:
        if keep or recipients or passphrase:
            raise click.UsageError("--check takes no option but --identity and --passphrase-file.")
        _show_check(ctx, _finish(_check(path, _keys(identity, passphrase_file))))
        return
    if identity is not None:
        raise click.UsageError("--identity opens a backup. Encrypt for its public key with --recipient.")
    lock = _lock(recipients, passphrase=passphrase, passphrase_file=passphrase_file)
    _show_made(_finish(_make(path, lock, keep=keep)))


@click.command(cls=Change)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@passphrase_file_option
@identity_option
@click.pass_context
def restore(ctx: click.Context, file: Path, *, passphrase_file: str | None, identity: Path | None) -> None:
    """Restore a backup to the empty database of the settings, with the key file.

    Upgrades it to this version, and audits it. Refuses a database that is not empty, and changes nothing
    then. Restore only your own backups: one of PostgreSQL can do what the database's user can.

    Exit code 0: the shop is restored. 1: it is restored, but the audit failed. 2: nothing was changed.
    """
    restored = _finish(_restore(file, _keys(identity, passphrase_file)))
    _show_audit(restored)
    if restored.is_key_new:
        click.echo("The key file was restored.")
    if restored.needs_secret:
        click.echo("The backup has no signing key. Set TUCKSHOP_SECRET to the secret that the shop had.")
    click.echo(f"Restored the shop as it was on {_instant(restored.manifest.at_us)}.")
    if not restored.report.clean:
        ctx.exit(EXIT_FOUND)


async def _make(path: Path, lock: Callable[[], Lock | None], *, keep: bool) -> Made:
    from tuckshop import settings
    from tuckshop.operations.backups import making

    make = making.make_in if keep else making.make
    return await make(settings.read(), path, lock=lock())


async def _check(path: Path, keys: Callable[[], Keys]) -> Restored:
    from tuckshop import settings
    from tuckshop.operations.backups import checking

    return await checking.check(settings.read(), path, keys=keys())


async def _restore(file: Path, keys: Callable[[], Keys]) -> Restored:
    from tuckshop import settings
    from tuckshop.operations.backups import restoring

    return await restoring.restore(settings.read(), file, keys=keys())


def _finish(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns. SIGTERM ends it as Ctrl-C does: what is half made is removed."""

    async def stoppable() -> T:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return run(stoppable())
    except asyncio.CancelledError:
        raise click.Abort from None


def _lock(
    recipients: tuple[str, ...], *, passphrase: bool, passphrase_file: str | None
) -> Callable[[], Lock | None]:
    """For whom to encrypt. A passphrase is asked for at once, and the rest is done with the other imports."""
    if bool(recipients) + passphrase + (passphrase_file is not None) > 1:
        raise click.UsageError("Choose one of --recipient, --passphrase and --passphrase-file.")
    word: str | None = None
    if passphrase:
        word = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    elif passphrase_file is not None:
        word = _passphrase_in(passphrase_file)

    def lock() -> Lock | None:
        from tuckshop.operations.backups import encryption

        if word is not None:
            return encryption.lock_with(word)
        return encryption.lock_for(recipients) if recipients else None

    return lock


def _keys(identity: Path | None, passphrase_file: str | None) -> Callable[[], Keys]:
    def ask() -> str:
        return str(click.prompt("Passphrase", hide_input=True, err=True))

    def keys() -> Keys:
        from tuckshop.operations.backups import encryption

        found = [] if identity is None else encryption.read_identities(_read_secret(str(identity)))
        if passphrase_file is not None:
            word = _passphrase_in(passphrase_file)
            return encryption.Keys(found, lambda: word)
        return encryption.Keys(found, ask if sys.stdin.isatty() else None)

    return keys


def _passphrase_in(file: str) -> str:
    try:
        word = _read_secret(file).decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise click.UsageError("The passphrase is not UTF-8.") from None
    if not word:
        raise click.UsageError("The passphrase is empty.")
    return word


def _read_secret(file: str) -> bytes:
    with click.open_file(file, "rb") as opened:
        content: bytes = opened.read(SECRET_BYTES_MAX + 1)
    if len(content) > SECRET_BYTES_MAX:
        raise click.UsageError(f"The file {file} is too large for a key or a passphrase.")
    return content


def _show_made(made: Made) -> None:
    output.facts(
        [
            ("Backup", click.format_filename(made.path)),
            ("Size", f"{made.bytes:,} bytes"),
            ("As of", _instant(made.manifest.at_us)),
            ("Signing key", _key(made.manifest)),
            ("Encrypted", "yes" if made.manifest.is_encrypted else "no"),
        ]
    )
    if made.gone:
        click.echo(f"Removed {len(made.gone)} older backup{'s' if len(made.gone) > 1 else ''}.")


def _show_check(ctx: click.Context, checked: Restored) -> None:
    manifest = checked.manifest
    output.facts(
        [
            ("Database", f"{'SQLite' if manifest.database == 'sqlite' else 'PostgreSQL'} {manifest.server}"),
            ("Made by", f"Tuckshop {manifest.tuckshop}, revision {manifest.revision}"),
            ("As of", _instant(manifest.at_us)),
            ("Signing key", _key(manifest)),
            ("Encrypted", "yes" if manifest.is_encrypted else "no"),
        ]
    )
    _show_audit(checked)
    if not checked.report.clean:
        ctx.exit(EXIT_FOUND)
    click.echo("The backup is good: it can be restored.")


def _show_audit(restored: Restored) -> None:
    report = restored.report
    if report.clean:
        click.echo("Audit passed.")
        return
    for check in report.checks:
        if check.problem_count:
            click.echo(f"{check.name}: {check.problem_count:,} wrong")
    click.echo("Audit failed: the shop's books were wrong when the backup was made. Run `tuckshop audit`.")


def _key(manifest: Manifest) -> str:
    where = "in the backup" if manifest.has_key else "not in the backup (TUCKSHOP_SECRET)"
    return f"{where}, fingerprint {manifest.key_fingerprint}"


def _instant(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us // 1_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"
