"""Mutants of a module: its text with one comparison, condition, operator or step another."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.planted.planting import ROOT

SOURCE = ROOT / "src" / "tuckshop"
PLACES = ("domain", "till/commands")
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OTHER: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """`change`: what is written at a line of a module (`domain/orders.py`), and what instead.

    `place` is the function around it, and a number where one function has the same change twice: with module
    and change it says which mutant this is, wherever its lines move.
    """

    module: str
    line: int
    place: str
    change: str
    _tree: ast.Module = field(repr=False, compare=False)
    _old: ast.AST = field(repr=False, compare=False)
    _new: ast.AST = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.place}: {self.change}"

    @property
    def name(self) -> str:
        """Which one it is."""
        return f"{self.module} {self.place}: {self.change}"

    @property
    def path(self) -> Path:
        """The module's file."""
        return SOURCE / self.module

    def tree(self) -> ast.Module:
        """The module with the change."""
        return copy.deepcopy(self._tree, {id(self._old): self._new})


def all_mutants() -> list[Mutant]:
    """Those of every module of the places."""
    paths = [path for place in PLACES for path in sorted((SOURCE / place).glob("*.py"))]
    return [
        one for path in paths for one in mutants(path.relative_to(SOURCE).as_posix(), path.read_text("utf-8"))
    ]


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a module's functions.

    A condition that is never true leaves out what it guards: a refusal, most of all. So does a step left out:
    a call whose result nobody uses, or a sum that is not added to.
    """
    tree = ast.parse(source)
    found: Counter[tuple[str, str]] = Counter()
    for old, function in _walk(tree, "", is_inside=False):
        for new in _changed(old):
            change = f"{_head(old)} -> {_head(new)}"
            found[function, change] += 1
            same = found[function, change]
            place = function if same == 1 else f"{function} ({same})"
            yield Mutant(module, old.lineno, place, change, tree, old, new)


def _walk(node: ast.AST, around: str, *, is_inside: bool) -> Iterator[tuple[Any, str]]:
    """Each node inside a function in the order of the text, with the classes and functions around it."""
    if is_inside:
        yield node, around
    is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    if isinstance(node, ast.FunctionDef) and node.name == "__init_subclass__":
        return  # It has run before any test does.
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        around = f"{around}.{node.name}".lstrip(".")
    for name, part in ast.iter_fields(node):
        for one in part if isinstance(part, list) else [part]:
            if isinstance(one, ast.AST):
                yield from _walk(one, around, is_inside=is_inside or (is_function and name == "body"))


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    """What can be written instead of this node."""
    match node:
        case ast.Compare():
            for place, op in enumerate(node.ops):
                yield _with(node, ops=[*node.ops[:place], _OPPOSITE[type(op)](), *node.ops[place + 1 :]])
        case ast.BoolOp():
            is_and = isinstance(node.op, ast.And)
            yield _with(node, op=ast.Or() if is_and else ast.And())
            for place, value in enumerate(node.values):  # Without one of the conditions.
                if isinstance(value, ast.Constant | ast.Dict | ast.Tuple):
                    continue  # `or 0` is no condition.
                rest = [*node.values[:place], ast.Constant(is_and), *node.values[place + 1 :]]
                yield _with(node, values=rest)
        case ast.BinOp(op=op) if type(op) in _OTHER:
            yield _with(node, op=_OTHER[type(op)]())
        case ast.UnaryOp(op=ast.Not()):
            yield _with(node, operand=ast.UnaryOp(ast.Not(), node.operand))
        case ast.If() | ast.IfExp():
            yield _with(node, test=ast.Constant(value=False))
        case ast.Expr(value=ast.Call()) | ast.AugAssign():
            yield ast.Pass()
        case _:
            pass


def _with(node: ast.AST, **parts: object) -> ast.AST:
    other = copy.copy(node)
    for name, part in parts.items():
        setattr(other, name, part)
    return other


def _head(node: ast.AST) -> str:
    """Of a condition with what it guards only the condition."""
    return " ".join(ast.unparse(node).partition(":\n")[0].split())
