"""Forms with files: what browsers send is read, and nothing else is guessed at."""

from __future__ import annotations

import logging

import pytest

from tuckshop.http import multipart

DECLARED = b"multipart/form-data; boundary=x"


def form(headers: str = 'Content-Disposition: form-data; name="a"', content: bytes = b"1") -> bytes:
    """A form of one part."""
    return b"--x\r\n" + headers.encode() + b"\r\n\r\n" + content + b"\r\n--x--\r\n"


def forms(*parts: bytes) -> bytes:
    """One form of the parts of these."""
    return b"--x\r\n" + b"\r\n".join(part[5:-4] for part in parts) + b"--\r\n"


NAMED = 'Content-Disposition: form-data; name="a"'


@pytest.mark.parametrize(
    ("body", "name", "filename", "media_type", "content"),
    [
        (form(), "a", None, "", b"1"),
        (form(content=b""), "a", None, "", b""),
        (form(content=b"a\r\n--y\r\n-x\r\n--"), "a", None, "", b"a\r\n--y\r\n-x\r\n--"),
        (form('content-disposition: form-data; name="k\u00e4se"'), "k\u00e4se", None, "", b"1"),
        (form(f"{NAMED}\r\nContent-Type: text/plain; charset=UTF-8"), "a", None, "text/plain", b"1"),
        (
            form(f'{NAMED}; filename="k\u00e4se \\"1\\".png"\r\nContent-Type: image/png', b"\x89PNG"),
            "a",
            'k\u00e4se "1".png',
            "image/png",
            b"\x89PNG",
        ),
        (form(f'{NAMED}; filename=""', b""), "a", "", "", b""),
    ],
)
def test_reads_fields_and_files(
    body: bytes, name: str, filename: str | None, media_type: str, content: bytes
) -> None:
    (part,) = multipart.read(body, DECLARED)
    assert (part.name, part.filename, part.media_type, part.content) == (name, filename, media_type, content)


def test_reads_parts_in_their_order() -> None:
    body = forms(form(), form(content="\u20ac".encode()))
    assert [part.text for part in multipart.read(body, DECLARED)] == ["1", "\u20ac"]
    assert len(multipart.read(forms(*[form()] * multipart.PARTS_MAX), DECLARED)) == multipart.PARTS_MAX


@pytest.mark.parametrize("cut", [7, 8, 9])
def test_what_has_only_begun_is_read_as_far_as_it_goes(cut: int) -> None:
    body = form(content=b"abc")[:-cut]
    with pytest.raises(ValueError, match="end"):
        multipart.read(body, DECLARED)
    (part,) = multipart.read(body, DECLARED, begun=True)
    assert "abc".startswith(part.text.rstrip("\r\n-"))


@pytest.mark.parametrize(
    ("body", "declared"),
    [
        (form(), b"multipart/form-data"),
        (form(), b"multipart/form-data; boundary="),
        (form(), b"multipart/form-data; boundary=y"),
        (form(), b"multipart/form-data; boundary=" + b"x" * 71),
        (form(), b"multipart/mixed; boundary=x"),
        (form(), b""),
        (b"", DECLARED),
        (b"--x", DECLARED),
        (b"no parts", DECLARED),
        (b"--x\r\n\r\n", DECLARED),
        (form(""), DECLARED),
        (form("Content-Disposition: form-data"), DECLARED),
        (form(f"{NAMED}\r\n{NAMED}"), DECLARED),
        (form(f"{NAMED}\r\nContent-Type: text/plain; charset=none"), DECLARED),
        (form(f"{NAMED}\r\nContent-Type: text/plain; charset=latin-1"), DECLARED),
        (form(NAMED + "\r\nX: 1" * 1_000), DECLARED),
        (form(NAMED + "\r\nX: " + "1" * 50_000), DECLARED),
        (form().removesuffix(b"--\r\n") + b"\r\n", DECLARED),
        (forms(*[form()] * (multipart.PARTS_MAX + 1)), DECLARED),
    ],
)
def test_anything_else_is_refused_and_not_logged(
    body: bytes, declared: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(ValueError, match=r"form|end|parts"):
        multipart.read(body, declared)
    assert caplog.records == []


def test_texts_are_utf_8() -> None:
    (part,) = multipart.read(form(content=b"\xff"), DECLARED)
    with pytest.raises(ValueError, match="utf-8"):
        _ = part.text
