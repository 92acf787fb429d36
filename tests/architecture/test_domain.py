"""The domain is pure. import-linter forbids it the libraries it is told of; this forbids all others too."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DOMAIN = Path(__file__).parents[2] / "src" / "tuckshop" / "domain"
IMPURE = {
    "asyncio",
    "io",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "sqlite3",
    "subprocess",
    "time",
    "uuid",
}
ALLOWED = sys.stdlib_module_names - IMPURE | {"tuckshop.domain"}


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that the source imports: `tuckshop.domain` for our own, the top package for others'."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, *rest = name.split(".")
            yield ".".join([first, *rest[:1]]) if first == "tuckshop" else first


@pytest.mark.parametrize("path", sorted(DOMAIN.rglob("*.py")), ids=lambda path: path.name)
def test_the_domain_imports_only_itself_and_the_pure_standard_library(path: Path) -> None:
    assert set(imports(ast.parse(path.read_text()))) <= ALLOWED


def test_the_check_can_fail() -> None:
    source = "import os.path, attrs\nfrom tuckshop.store import tables\nfrom tuckshop import domain, settings"
    assert set(imports(ast.parse(source))) - ALLOWED == {"os", "attrs", "tuckshop.store", "tuckshop.settings"}
