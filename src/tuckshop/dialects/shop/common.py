"""What the whole dialect shares."""

from __future__ import annotations

from functools import partial

from tuckshop.dialects.errors import Details
from tuckshop.http import calls

ERRORS = Details()

answered = partial(calls.answered, errors=ERRORS)
