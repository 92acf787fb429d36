"""`python -m tests.planted [NAME ...]`: each bug, or each named one, must make all of its tests fail."""

from __future__ import annotations

import sys
import time

from tests.planted.planting import Bug, bugs
from tests.planted.running import fate


def main(names: list[str]) -> int:
    """The exit status: 1 if a bug was not caught."""
    table = bugs()
    rows, faults = [], []
    for name in names or table:
        begun = time.monotonic()
        fault = fate(table[name])
        rows.append((table[name], fault, time.monotonic() - begun))
        print(f"{name}: {fault or 'caught'}", flush=True)
        if fault:
            faults.append(name)
    print()
    for bug, fault, seconds in rows:
        print("\n".join(_row(bug, fault, seconds)))
    print(f"\n{len(rows) - len(faults)} of {len(rows)} bugs were caught, each by all of its tests.")
    return 1 if faults else 0


def _row(bug: Bug, fault: str, seconds: float) -> list[str]:
    head = "NOT CAUGHT" if fault else f"{seconds:.1f} s"
    return [f"{bug.name} ({bug.module}): {head}", *(f"    {test}" for test in bug.tests)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
