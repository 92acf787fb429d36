"""What processes have cost, as the kernel counts it."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM, _ENDED_USER, _ENDED_SYSTEM = 1, 11, 12, 13, 14  # Fields behind the name.


def group(leader: int) -> list[Path]:
    """The processes of a process group."""
    return [process for process in _all() if _in_group(process, leader)]


def children_of(pid: int | None) -> list[Path]:
    """A process and its children; none of no process."""
    if pid is None:
        return []
    return [
        process
        for process in _all()
        if process.name == str(pid) or (_fields(process) or ["", ""])[_PARENT] == str(pid)
    ]


def cpu_seconds(processes: Iterable[Path]) -> float:
    """Seconds of processors that these and their ended children took, in user and in system mode."""
    ticks = 0
    for process in processes:
        fields = _fields(process)
        if fields:
            ticks += sum(int(fields[place]) for place in (_USER, _SYSTEM, _ENDED_USER, _ENDED_SYSTEM))
    return ticks / _TICKS


def resident_bytes(process: Path) -> int:
    """What a process holds in memory; 0 of one that has ended."""
    try:
        pages = int((process / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _all() -> Iterable[Path]:
    return Path("/proc").glob("[0-9]*")


def _in_group(process: Path, leader: int) -> bool:
    try:
        return os.getpgid(int(process.name)) == leader
    except ProcessLookupError:
        return False


def _fields(process: Path) -> list[str] | None:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
