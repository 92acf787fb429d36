"""No test says that something was quick: what tests wait for has one limit, which only ends what hangs."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PATIENT_SECONDS = 60.0
WATCHES = {"perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "monotonic_ns"}
# Pauses that make a test stronger when they are long enough, and never fail it.
PAUSES = {
    ("cli/test_serve.py", 0.2): "from a statement's beginning to its wait for a lock",
    ("till/test_postgres.py", 0.3): "while the server is down: tills may look for it",
}
# They measure, and run by themselves: `make lighthouse`, `make screenshots`.
MEASURING = {"browser/lighthouse.py", "browser/screenshots.py"}


def clocks(source: str, file: str) -> Iterator[str]:
    """What in a module depends on how fast the computer is."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        limits = [keyword.value for keyword in node.keywords if keyword.arg == "timeout"]
        if name in ("timeout", "timeout_at", "wait_for", "join"):
            limits += node.args[-1:]
        if name in WATCHES:
            yield f"{node.lineno}: a watch"
        elif any(seconds < PATIENT_SECONDS for seconds in map(literal, limits) if seconds is not None):
            yield f"{node.lineno}: a limit that a slow computer may reach"
        elif (
            name == "sleep"
            and (file, seconds := literal(node.args[0])) not in PAUSES
            and (seconds or 0) >= 0.1
        ):
            yield f"{node.lineno}: a pause in which something is to have happened"


def literal(node: ast.expr) -> float | None:
    """A number that is written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    return None


def test_no_verdict_depends_on_a_clock() -> None:
    files = {str(path.relative_to(TESTS)): path for path in sorted(TESTS.rglob("*.py"))}
    found = [
        f"{file}:{clock}"
        for file, path in files.items()
        if file not in MEASURING
        for clock in clocks(path.read_text(), file)
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "begun = time.perf_counter()",
        "spent = process_time()",
        "async with asyncio.timeout(5): pass",
        "await asyncio.wait_for(closing, 10)",
        "await asyncio.wait(tasks, timeout=0.3)",
        "subprocess.run(command, timeout=30)",
        "thread.join(1)",
        "await asyncio.sleep(0.5)",
        "time.sleep(1)",
    ],
)
def test_finds_a_clock(source: str) -> None:
    wrapped = f"async def test() -> None:\n    {source}\n"
    assert len(list(clocks(wrapped, "test_it.py"))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "async with asyncio.timeout(HANG_SECONDS): pass",
        "await asyncio.wait_for(closing, HANG_SECONDS)",
        "await asyncio.sleep(0)",
        "', '.join(names)",
        "shop.clock.forward(0.3)",
    ],
)
def test_leaves_the_rest_alone(source: str) -> None:
    wrapped = f"async def test() -> None:\n    {source}\n"
    assert list(clocks(wrapped, "test_it.py")) == []
