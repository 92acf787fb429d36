"""`tuckshop systemd`: the units under which a Linux computer runs the shop and looks after it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tuckshop.cli.commands import Command

HIDDEN = ("/home", "/root", "/tmp", "/run/user")  # From services that are hardened as these are.  # noqa: S108
STATE = "/var/lib/tuckshop"
BACKUPS = f"{STATE}/backups"
READY_SECONDS_MAX = 60  # A start looks at the database, and may have to wait for its server.
FILES_MAX = 65_536  # More than any number of connections that one computer serves; see TUCKSHOP_CONNECTIONS.

# What a service may do beyond computing: read its settings, write its folder, and talk to the network.
HARDENED = """\
User=tuckshop
Group=tuckshop
UMask=0077
StateDirectory=tuckshop tuckshop/backups
StateDirectoryMode=0700
WorkingDirectory=/var/lib/tuckshop
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
"""

SERVER = """\
[Unit]
Description=Tuckshop, a prepaid shop
After=network-online.target postgresql.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={program} serve
ExecStartPost={program} health --wait {ready_seconds}
Restart=on-failure
RestartSec=5
KillMode=mixed
TimeoutStopSec=20
LimitNOFILE={files}
{hardened}
[Install]
WantedBy=multi-user.target
"""

TASK = """\
[Unit]
Description=Tuckshop: {about}
After=network-online.target postgresql.service tuckshop.service
Wants=network-online.target

[Service]
Type=oneshot
ExecStart={program} {command}
Nice=10
IOSchedulingClass=idle
{hardened}"""

TIMER = """\
[Unit]
Description=Tuckshop: {about}

[Timer]
OnCalendar={when}
RandomizedDelaySec=15min
Persistent=yes

[Install]
WantedBy=timers.target
"""

TASKS = {
    # name: what it does, the command, when; backups first, so that the others see a fresh one.
    "backup": ("daily backup", f"backup --keep {BACKUPS}", "*-*-* 02:15"),
    "restore-test": ("weekly test of the last backup", f"backup --check {BACKUPS}", "Sun 03:15"),
    "audit": ("daily audit", "audit", "*-*-* 04:15"),
}


@click.command(cls=Command)
@click.option("--timers", is_flag=True, help="Also a daily backup, a weekly restore test and a daily audit.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write the units there, such as /etc/systemd/system, instead of to standard output.",
)
def systemd(*, timers: bool, output: Path | None) -> None:
    """Print systemd units that run this installation as the user `tuckshop`.

    The server may write /var/lib/tuckshop and nothing else. Its settings are in the file that `tuckshop
    --config FILE` names, otherwise in /etc/tuckshop/tuckshop.env. Set TUCKSHOP_HOME=/var/lib/tuckshop there.
    """
    program = Path(sys.executable).with_name("tuckshop")
    made = units(program, timers=timers)
    if any(program.is_relative_to(folder) for folder in HIDDEN):
        click.echo(
            f"Warning: services cannot see {program}. Install Tuckshop for all users, such as with"
            " `pipx install --global`.",
            err=True,
        )
    if output is None:
        click.echo("\n".join(f"# {name}\n{text}" for name, text in made.items()), nl=False)
        return
    for name, text in made.items():
        path = output / name
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise click.UsageError(f"{path} exists and differs. Nothing was written. Move it away first.")
    for name, text in made.items():
        (output / name).write_text(text, encoding="utf-8")
        click.echo(output / name)


def units(program: Path, *, timers: bool) -> dict[str, str]:
    """The files by name, for the program at this place."""
    from tuckshop import settings_file

    started = f"{_word(program)} --config {_word(settings_file.named())}"
    made = {
        "tuckshop.service": SERVER.format(
            program=started, ready_seconds=READY_SECONDS_MAX, files=FILES_MAX, hardened=HARDENED
        )
    }
    for name, (about, command, when) in TASKS.items() if timers else ():
        made[f"tuckshop-{name}.service"] = TASK.format(
            about=about, program=started, command=command, hardened=HARDENED
        )
        made[f"tuckshop-{name}.timer"] = TIMER.format(about=about, when=when)
    return made


def _word(path: Path) -> str:
    """The path as one word of a command line, see systemd.service(5) and systemd.unit(5)."""
    text = str(path)
    if not text.isprintable():
        raise click.UsageError(f"{text!r} cannot be written into a unit. Use a path of printable characters.")
    for special, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        text = text.replace(special, escaped)
    return f'"{text}"' if text != str(path) or " " in text or "'" in text else text
