"""The mutants that may survive: docs/mutation.toml has them, with why."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable

from tests.mutation.mutants import Mutant
from tests.planted.planting import ROOT

FILE = ROOT / "docs" / "mutation.toml"


def equivalent(mutants: Iterable[Mutant], text: str | None = None) -> set[Mutant]:
    """Those of the list. Raises LookupError where the code no longer has one, or has it without a reason."""
    listed = tomllib.loads(FILE.read_text() if text is None else text)["equivalent"]
    by_key = {(one.module, one.place, one.change): one for one in mutants}
    found = set()
    for entry in listed:
        key = entry["module"], entry["place"], entry["change"]
        if key not in by_key:
            raise LookupError(f"no longer in the code: {key}")
        if not entry["why"].strip() or by_key[key] in found:
            raise LookupError(f"without a reason, or twice: {key}")
        found.add(by_key[key])
    return found
