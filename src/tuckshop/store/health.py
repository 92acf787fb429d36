"""What keeps the shop from selling, as a process knows it. The log tells each trouble once, and its end."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from time import monotonic

import structlog

from tuckshop.store.troubles import Trouble

TRY_SECONDS = 5.0  # From one try to write to the next, while writes fail.
MARK = ".trouble"

log = structlog.get_logger(__name__)


class Health:
    """Whether the last write failed, and what the last check found.

    `folder`: where the processes of one server leave word for each other, so that only one of them tells the
    log; without, this one always does. Where the log `is_silent`, whoever meets a trouble says it.
    """

    def __init__(self, *, folder: str = "", is_silent: bool = False) -> None:
        self._folder = folder
        self._is_silent = is_silent
        self._found: Trouble | None = None
        self._write: Trouble | None = None
        self._tried_at = 0.0
        self._told: Trouble | None = None
        self._since = 0.0
        self._is_unmarked = False

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong now; None while all is well."""
        return self._found or self._write

    def wrote(self) -> None:
        """Something was written, durably."""
        if self._write is not None:
            self._write = None
            self._tell()

    def failed(self, trouble: Trouble) -> None:
        """Something could not be written, or not even be read."""
        self._write, self._tried_at = trouble, monotonic()
        self._tell()

    def checked(self, trouble: Trouble | None) -> None:
        """What a look at the database found."""
        if trouble != self._found:
            self._found = trouble
            self._tell()

    def is_try_due(self) -> bool:
        """Whether writing is to be tried, since it last failed some time ago; the caller then tries.

        At once, if the last check found a trouble: the caller finds none any more.
        """
        is_recent = self._found is None and monotonic() - self._tried_at < TRY_SECONDS
        if self._write is None or is_recent:
            return False
        self._tried_at = monotonic()
        return True

    def _tell(self) -> None:
        if self._is_silent:
            return
        now, told = self.trouble, self._told
        if now is not None and (told is None or now.cause != told.cause):
            if told is None:
                self._since = monotonic()
            elif self._folder:
                self._mark(told).unlink(missing_ok=True)
            if self._is_first(now):
                log.error("shop.trouble", cause=now.cause.value, remedy=now.sentence)
        elif now is None and told is not None and self._was_first(told):
            log.info("shop.trouble_over", cause=told.cause.value, seconds=round(monotonic() - self._since, 1))
        self._told = now

    def _is_first(self, trouble: Trouble) -> bool:
        if self._folder:
            try:
                os.close(os.open(self._mark(trouble), os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return False
            except OSError:  # Told twice is better than not at all.
                self._is_unmarked = True
        return True

    def _was_first(self, trouble: Trouble) -> bool:
        if self._folder:
            try:
                self._mark(trouble).unlink()
            except FileNotFoundError:
                told, self._is_unmarked = self._is_unmarked, False
                return told
            except OSError:
                pass
        return True

    def _mark(self, trouble: Trouble) -> Path:
        return Path(self._folder) / f"{trouble.cause}{MARK}"


def forget_marks(folder: str) -> None:
    """Removes what the processes of an earlier server left behind. Before any of this server's starts."""
    for mark in Path(folder).glob(f"*{MARK}"):
        with suppress(OSError):
            mark.unlink()
