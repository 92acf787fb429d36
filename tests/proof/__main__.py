"""`python -m tests.proof [ROW ...]`: everything that the shop promises, at full size; --help says more.

Results are kept below build/proof: an interrupted run goes on where it was, and what failed is run again.
Once every row has been run, docs/guarantees.md is written.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tests.planted.planting import ROOT
from tests.proof import document
from tests.proof.rows import Row, Table, table
from tests.proof.running import OUTSIDE, PLACES, Kept, Machine, Result, run, this_machine
from tests.proof.steps import Step, Unknown, steps_of


class Changed(Exception):
    """What a step has shown, it has not shown of the code that there is now."""


def main(arguments: list[str]) -> int:
    """The exit status: 0 if all that was asked for was run and passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only these, such as R4 or S10")
    parser.add_argument(
        "--list", action="store_true", help="run nothing: say what would be run, and how it ended"
    )
    parser.add_argument("--write", action="store_true", help="write the document although rows are missing")
    asked = parser.parse_args(arguments)
    whole = table()
    rows = [row for row in whole.rows() if not asked.rows or row.name in asked.rows]
    if unknown := set(asked.rows) - {row.name for row in rows}:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    machine = this_machine()
    kept = Kept(machine)
    try:
        steps = steps_of(rows)
    except Unknown as unknown_tests:
        print(unknown_tests, file=sys.stderr)
        return 1
    order = _in_order(steps, kept)
    for number in (signal.SIGINT, signal.SIGTERM):  # What is ignored is so in steps too.
        signal.signal(number, signal.default_int_handler)
    try:
        results = _listed(order, kept) if asked.list else run_all(order, kept, machine)
    except Changed:
        print(
            "\nThe code or a test has changed since this began. The same command begins anew.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on from here.", file=sys.stderr)
        return 130
    is_whole = len(results) == len(order) and all(result.is_whole for result in results.values())
    if (is_whole and not asked.rows) or asked.write:
        _write(whole, steps, results, machine)
    else:
        print("docs/guarantees.md is left as it is, since not every row was run; --write writes what was.")
    return 0 if _summed_up(rows, results) and is_whole else 1


def _in_order(steps: Mapping[str, Sequence[Step]], kept: Kept) -> list[Step]:
    """The short ones first."""
    each = dict.fromkeys(step for of_row in steps.values() for step in of_row)
    return sorted(each, key=kept.expected_seconds)


def _listed(order: Sequence[Step], kept: Kept) -> dict[Step, Result]:
    """What is kept."""
    results = {step: result for step in order if (result := kept.get(step)) is not None}
    for step in order:
        print(f"{step.name}: {results.get(step, 'not run')}")
    return results


def run_all(order: Sequence[Step], kept: Kept, machine: Machine) -> dict[Step, Result]:
    """Runs what has not passed before, and tells how it goes."""
    results: dict[Step, Result] = {}
    for gone in sorted({lack for step in order if (lack := machine.lacks(step))}):
        print(f"Missing here: some steps {gone.replace('needs', 'need')}, and are not run.")
    for step in order:
        before = kept.get(step)
        if lack := machine.lacks(step):
            results[step] = Result(missing=lack)
        elif before is not None and before.is_good:
            results[step] = before
    if results:
        print(f"{sum(one.is_good for one in results.values())} of {len(order)} steps have passed before.")
    for number, step in enumerate(order, 1):
        if step in results:
            continue
        left = sum(kept.expected_seconds(one) for one in order if one not in results)
        print(f"[{number}/{len(order)}] {step.name} ... (about {_time(left)} left)", flush=True)
        result = run(step, kept)
        if not kept.is_of_now():
            raise Changed
        results[step] = result
        kept.put(step, result)
        passed = "caught" if step.bug else "passed"
        verdict = passed if result.is_good else f"NOT {passed.upper()}, see {_log(kept, step)}"
        print(f"[{number}/{len(order)}] {step.name}: {verdict}: {result}", flush=True)
    return results


def _log(kept: Kept, step: Step) -> str:
    return os.path.relpath(kept.folder / f"{step.key}.log")


def _time(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _summed_up(rows: Sequence[Row], results: Mapping[Step, Result]) -> bool:
    """Tells how it went; whether all passed."""
    bad = {step: result for step, result in results.items() if not result.is_good}
    for row in rows:
        if row.not_yet:
            print(f"{row.name} is not proved yet: {row.not_yet}")
    for step, result in bad.items():
        print(
            f"{step.name}: {result}", *(f"  {test}: {why}" for test, why in result.failed.items()), sep="\n"
        )
    print(f"{len(results) - len(bad)} of {len(results)} steps passed.")
    return not bad


def _write(
    whole: Table, steps: Mapping[str, Sequence[Step]], results: Mapping[Step, Result], machine: Machine
) -> None:
    commit = _commit()
    lines = {
        row.name: document.line(row, steps.get(row.name), results, commit=commit) for row in whole.rows()
    }
    before = document.PATH.read_text("utf-8") if document.PATH.exists() else ""
    text = document.document(whole, lines, machine=machine, day=datetime.now(UTC).date(), before=before)
    document.PATH.write_text(text, "utf-8")
    print("docs/guarantees.md is written.")


def _commit() -> str:
    """What was run: a commit, and a plus if files have changed since."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()

    outside = [f":(exclude,glob)**/{name}/**" for name in OUTSIDE]
    changed = git("status", "--porcelain", "--", *PLACES, *outside, ":(exclude)tools/node/node_modules")
    return (git("rev-parse", "--short=7", "HEAD") or "unknown") + ("+" if changed else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
