"""Forms with files (multipart/form-data, RFC 7578): a body that is in memory, strictly read into parts."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

MEDIA_TYPE = "multipart/form-data"
PARTS_MAX = 50
_BOUNDARY_BYTES_MAX = 70  # RFC 2046, 5.1.1.
# It warns of every body that it cannot read: anybody could fill the log. We answer them.
logging.getLogger("python_multipart").setLevel(logging.ERROR)


@dataclass(slots=True)
class Part:
    """A field of a form; of a file also the name and the type that its sender gives it."""

    name: str
    filename: str | None
    media_type: str
    content: bytes

    @property
    def text(self) -> str:
        """What was typed. Raises ValueError: no UTF-8."""
        return self.content.decode()


def read(body: bytes, declared: bytes, *, begun: bool = False) -> list[Part]:
    """The parts of a body that is `declared` (its Content-Type) to be a form with files.

    `begun`: the body's end is missing, and what its last part has so far is all of it.

    Raises:
        ValueError: it is none, or has a part without a name, with a header twice, or in a charset that is
            not UTF-8.
    """
    media_type, options = parse_options_header(declared)
    boundary = options.get(b"boundary", b"")
    if media_type != MEDIA_TYPE.encode() or not 0 < len(boundary) <= _BOUNDARY_BYTES_MAX:
        raise ValueError("no form with files")
    if begun:
        body += b"\r\n--%b--\r\n" % boundary
    reading = _Reading()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reading.begin,
                "on_header_begin": reading.begin_header,
                "on_header_field": reading.name_header,
                "on_header_value": reading.fill_header,
                "on_part_data": reading.fill,
                "on_part_end": reading.end_part,
                "on_end": reading.end,
            },
        )
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise ValueError("no form with files") from error
    if not reading.has_ended:
        raise ValueError("the end is missing")
    return reading.parts


class _Reading:
    """What the parser has found so far; it gives pieces of the body, each by its place."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.has_ended = False
        self._headers: list[tuple[bytearray, bytearray]] = []
        self._content = bytearray()

    def begin(self) -> None:
        self._headers = []
        self._content = bytearray()
        if len(self.parts) == PARTS_MAX:
            raise ValueError("too many parts")

    def begin_header(self) -> None:
        self._headers.append((bytearray(), bytearray()))

    def name_header(self, data: bytes, start: int, end: int) -> None:
        self._headers[-1][0].extend(data[start:end])

    def fill_header(self, data: bytes, start: int, end: int) -> None:
        self._headers[-1][1].extend(data[start:end])

    def fill(self, data: bytes, start: int, end: int) -> None:
        self._content.extend(data[start:end])

    def end_part(self) -> None:
        headers = {bytes(name).lower(): bytes(value) for name, value in self._headers}
        _, disposition = parse_options_header(headers.get(b"content-disposition"))
        media_type, options = parse_options_header(headers.get(b"content-type"))
        is_utf8 = options.get(b"charset", b"utf-8").lower() == b"utf-8"
        if not is_utf8 or b"name" not in disposition or len(headers) < len(self._headers):
            raise ValueError("no field of a form")
        filename = disposition.get(b"filename")
        self.parts.append(
            Part(
                name=disposition[b"name"].decode(),
                filename=None if filename is None else filename.decode(),
                media_type=media_type.decode("latin-1"),
                content=bytes(self._content),
            )
        )

    def end(self) -> None:
        self.has_ended = True
