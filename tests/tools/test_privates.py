"""What leans on private names of others is found, and nothing else."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from tools import privates


@pytest.mark.parametrize(
    "line",
    [
        "from starlette._utils import is_async_callable",
        "from starlette.routing import _Missing",
        "import starlette._utils",
        "import starlette._utils as utils",
        "import starlette\nstarlette.requests._anything",
        "from starlette.requests import Request\nRequest._anything",
        "from starlette.requests import Request\ngetattr(Request, '_anything')",
        "from starlette.requests import Request\nmonkeypatch.setattr(Request, '_anything', 1)",
    ],
)
def test_private_names_are_seen_where_they_are_imported(line: str) -> None:
    assert len(list(privates.in_text(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "from __future__ import annotations",
        "from tuckshop.http.router import _Node",
        "import tuckshop.http.router\ntuckshop.http.router._Node",
        "from starlette.requests import Request as _Request\nprint(_Request.__name__)",
        "from starlette.requests import Request\nclass Own(Request):\n    def own(self): return self._own",
        "from starlette.requests import Request\ngetattr(Request, 'anything')",
    ],
)
def test_others_may_be_imported(line: str) -> None:
    assert list(privates.in_text(line)) == []


CLASSES = """
from starlette.requests import Request
from starlette.responses import Response

class Own:
    _headers = None

class Apart(Request):
    _mine: int | None = None

    def mine(self):
        self._other = self._mine
        return Own()._headers

class Used(Request):
    def body(self):
        return self._stream_consumed

class Written(Response):
    def __init__(self):
        self._headers = []

class Declared(Request):
    _form: int

class Redefined(Request):
    async def _get_form(self):
        return None
"""


def test_classes_keep_off_what_their_bases_keep_to_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leaning.py").write_text(CLASSES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(privates, "OWN", privates.OWN | {"leaning"})
    found = list(privates.in_classes("leaning"))
    assert found == [
        "leaning.Used: _stream_consumed is Request's",
        "leaning.Written: _headers is Response's",
        "leaning.Declared: _form is Request's",
        "leaning.Redefined: _get_form is Request's",
    ]
    importlib.invalidate_caches()
    del sys.modules["leaning"]
