"""What a mutant is."""

from __future__ import annotations

from tests.mutation.mutants import mutants

SOURCE = '''\
def pay(owed: int, held: int) -> int:
    """Pays."""
    if held < owed and not owed == 0:
        raise ValueError
    return held - owed
'''


def test_each_changes_one_thing_and_says_where() -> None:
    told = [(one.line, one.change) for one in mutants(SOURCE)]
    assert sorted(told) == [
        (3, "held < owed -> held <= owed"),
        (3, "held < owed and (not owed == 0) -> True and (not owed == 0)"),
        (3, "held < owed and (not owed == 0) -> held < owed and True"),
        (3, "held < owed and (not owed == 0) -> held < owed or not owed == 0"),
        (3, "if held < owed and (not owed == 0): raise ValueError -> if False: raise ValueError"),
        (3, "not owed == 0 -> not not owed == 0"),
        (3, "owed == 0 -> owed != 0"),
        (5, "held - owed -> held + owed"),
    ]
    assert len({one.source for one in mutants(SOURCE)}) == len(told)
