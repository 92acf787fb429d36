"""What a handler answers with: a body and its media type, JSON unless said; and the till's outcome as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec
from starlette.responses import Response as _Response

from tuckshop.domain.refusals import Refusal
from tuckshop.till.commands.base import Outcome

JSON = "application/json"
_encode = msgspec.json.Encoder().encode

Content = TypeVar("Content")
Receiver = TypeVar("Receiver")


class Response(_Response, Generic[Content]):
    """An answer. Bytes are sent as they are, text too unless it is to be JSON; None is no body."""

    def __init__(
        self,
        content: Content,
        status_code: int = 200,
        *,
        headers: Mapping[str, str] | None = None,
        media_type: str = JSON,
    ) -> None:
        super().__init__(content, status_code, headers, None if content is None else media_type)

    def render(self, content: Any) -> bytes:
        """The body."""
        if content is None:
            return b""
        if isinstance(content, bytes):
            return content
        return content.encode() if isinstance(content, str) and self.media_type != JSON else _encode(content)


def answered(
    outcome: Outcome,
    receiver: type[Receiver],
    show: Callable[[Receiver], Any],
    *,
    status: int,
    refused: Callable[..., Response[Any]],
) -> Response[Any]:
    """The till's outcome as HTTP.

    `show` renders the one kind of receipt that the command can have; `refused` is an interface's
    `Errors.of_refusal`.
    """
    answer = outcome.answer
    if isinstance(answer, Refusal):
        return refused(answer, headers=_replay_headers(outcome))
    assert isinstance(answer, receiver)
    return rendered(outcome, show(answer), status=status)


def rendered(outcome: Outcome, shown: Any, *, status: int) -> Response[Any]:
    """What is shown of an outcome, nothing at all with 204."""
    return Response(None if status == 204 else shown, status, headers=_replay_headers(outcome))


def _replay_headers(outcome: Outcome) -> dict[str, str]:
    return {"Idempotent-Replayed": "true"} if outcome.replayed else {}
