"""What the till asks of a database, and how that may fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tuckshop.store.troubles import Trouble
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


class Unavailable(Exception):
    """The books cannot be used just now; nothing was written. Try again in a while.

    `trouble`: why; None if others were faster every time.
    """

    def __init__(self, told: str = "", *, trouble: Trouble | None = None) -> None:
        super().__init__(told)
        self.trouble = trouble


class OutcomeUnknown(Exception):
    """Whether the batch was written could not be found out in time. Ask again with the same key."""


class Contended(Exception):
    """Another till was faster on a row, or `on_key`; nothing was written. Worth another try at once."""

    def __init__(self, told: str = "", *, on_key: bool = False) -> None:
        super().__init__(told)
        self.on_key = on_key


class BatchRefused(Exception):
    """The database refused what the rules had let pass: a defect. Nothing was written."""


class Books(Protocol):
    """One database's side of the till. One transaction at a time."""

    async def transact(self, need: ReadSet, decide: Callable[[WorkingSet], None]) -> None:
        """Loads what is needed, lets `decide` change the working set, writes its changes and commits.

        Returns once the changes are durable. `decide` must not keep state between calls.

        Raises:
            Unavailable, Contended, BatchRefused, IdsBehind: nothing was written.
            OutcomeUnknown: written or not, nobody could tell in time.
        """

    async def close(self) -> None:
        """Gives the connection back."""
