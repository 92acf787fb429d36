"""What a mutant is."""

from __future__ import annotations

import ast

from tests.mutation.mutants import mutants

SOURCE = '''\
def pay(owed: int, held: int) -> int:
    """Pays."""
    if held < owed and not owed == 0:
        raise ValueError
    held -= owed
    note(held)
    return held - owed
'''


def test_each_changes_one_thing_and_says_where() -> None:
    told = [(one.line, one.change) for one in mutants("till.py", SOURCE)]
    assert sorted(told) == [
        (3, "held < owed -> held <= owed"),
        (3, "held < owed and (not owed == 0) -> True and (not owed == 0)"),
        (3, "held < owed and (not owed == 0) -> held < owed and True"),
        (3, "held < owed and (not owed == 0) -> held < owed or not owed == 0"),
        (3, "if held < owed and (not owed == 0) -> if False"),
        (3, "not owed == 0 -> not not owed == 0"),
        (3, "owed == 0 -> owed != 0"),
        (5, "held -= owed -> pass"),
        (6, "note(held) -> pass"),
        (7, "held - owed -> held + owed"),
    ]
    assert len({ast.unparse(one.tree()) for one in mutants("till.py", SOURCE)}) == len(told)


def test_each_has_a_name_of_its_own_that_other_lines_do_not_change() -> None:
    twice = "class Till:\n    def pay(self, cents):\n        return cents > 0, cents > 0\n"
    told = [(one.place, one.change) for one in mutants("till.py", twice)]
    assert told == [("Till.pay", "cents > 0 -> cents >= 0"), ("Till.pay (2)", "cents > 0 -> cents >= 0")]
    assert [(one.place, one.change) for one in mutants("till.py", f"import time\n\n{twice}")] == told
