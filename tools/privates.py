"""Refuses what leans on the private names of others: `_name` may be gone with their next release.

    python -m tools.privates

Ruff's SLF001 sees `thing._name` in the code itself. This sees what it does not: private names that are
imported, those reached through an imported name (tests included), and classes of ours that use or redefine,
as `self._name`, what a class of somebody else's keeps there.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "tests", "bench", "tools")
OWN = frozenset({"tuckshop", "tests", "bench", "tools"})
_PUBLIC = frozenset({"os._exit"})  # Documented, for all its name.
_BY_NAME = frozenset({"getattr", "setattr", "hasattr", "delattr"})


def main() -> int:
    """Prints each place; 1 if there is one."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, what in in_text(path.read_text("utf-8"))
    ]
    for module in pkgutil.walk_packages(importlib.import_module("tuckshop").__path__, "tuckshop."):
        if module.name != "tuckshop.store.migrations.env":  # It runs migrations when it is imported.
            found += in_classes(module.name)
    for one in found:
        print(one, file=sys.stderr)
    return 1 if found else 0


def in_text(text: str) -> Iterator[tuple[int, str]]:
    """Line and reason for private names that are imported, or reached through an imported name."""
    tree = ast.parse(text)
    foreign: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield from _imported(node, f"{node.module}.{alias.name}", alias, foreign)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from _imported(node, alias.name, alias, foreign)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and is_private(node.attr)
            and _root(node) in foreign
            and ast.unparse(node) not in _PUBLIC
        ):
            yield node.lineno, f"{ast.unparse(node)} is private"
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _BY_NAME:
            match node.args:
                case [thing, ast.Constant(value=str(name)), *_] if (
                    is_private(name) and _root(thing) in foreign
                ):
                    yield node.lineno, f"{ast.unparse(thing)}.{name} is private"


def _imported(node: ast.stmt, path: str, alias: ast.alias, foreign: set[str]) -> Iterator[tuple[int, str]]:
    if path.partition(".")[0] in OWN:
        return
    foreign.add(alias.asname or alias.name.partition(".")[0])
    if any(map(is_private, path.split("."))):
        yield node.lineno, f"{path} is private"


def in_classes(module_name: str) -> Iterator[str]:
    """The private names that classes of this module share with those of others that they are made of."""
    for kind in vars(importlib.import_module(module_name)).values():
        if inspect.isclass(kind) and kind.__module__ == module_name:
            own = names_of(kind)
            for base in kind.__mro__[1:]:
                if not is_own(base.__module__):
                    for name in sorted(own & names_of(base)):
                        yield f"{module_name}.{kind.__qualname__}: {name} is {base.__qualname__}'s"


def names_of(kind: type) -> frozenset[str]:
    """The private names that are written in a class: in its body, and on `self` in its methods."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    except (OSError, TypeError):  # It is written in no Python.
        return frozenset(filter(is_private, vars(kind)))
    assert isinstance(tree, ast.ClassDef)
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _root(node) == "self":
            names.add(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return frozenset(filter(is_private, names))


def is_own(module_name: str) -> bool:
    """Whether it is ours, or Python's own library, whose releases are read about."""
    first = module_name.partition(".")[0]
    return first in OWN or first in sys.stdlib_module_names


def is_private(name: str) -> bool:
    """`_name`, and neither `_` nor `__name__`."""
    return name.startswith("_") and name.strip("_") != "" and not name.endswith("__")


def _root(node: ast.AST) -> str | None:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


if __name__ == "__main__":
    sys.exit(main())
