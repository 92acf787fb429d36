"""Mutants of a module: its text with one comparison, condition or operator another."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

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
    """`line`: where it differs; `change`: what stood there, and what stands there now."""

    line: int
    change: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of this text.

    A condition that is never true leaves out what it guards: a refusal, most of all.
    """
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            other = copy.deepcopy(tree)
            place = next(one for at, one in enumerate(ast.walk(other)) if at == number)
            before = ast.unparse(place)
            _apply(place, change)
            after = ast.unparse(place)
            if before != after and isinstance(place, ast.expr | ast.stmt):
                yield Mutant(place.lineno, f"{_short(before)} -> {_short(after)}", ast.unparse(other))


def _changes(node: ast.AST) -> Iterator[int]:
    """Which changes there are of this node."""
    match node:
        case ast.Compare():
            yield from range(len(node.ops))
        case ast.BoolOp():
            yield from range(1 + len(node.values))  # The other operator, or without one of the conditions.
        case ast.BinOp(op=op) if type(op) in _OTHER:
            yield 0
        case ast.UnaryOp(op=ast.Not()) | ast.If() | ast.IfExp():
            yield 0
        case _:
            pass


def _apply(node: ast.AST, change: int) -> None:
    match node:
        case ast.Compare():
            node.ops[change] = _OPPOSITE[type(node.ops[change])]()
        case ast.BoolOp() if change == 0:
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.BoolOp():
            node.values[change - 1] = ast.Constant(isinstance(node.op, ast.And))
        case ast.BinOp():
            node.op = _OTHER[type(node.op)]()
        case ast.UnaryOp():
            node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
        case ast.If() | ast.IfExp():
            node.test = ast.Constant(value=False)
        case _:
            raise TypeError(f"{node} has no changes")


def _short(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= 70 else f"{first[:67]}..."
