"""What the whole dialect shares."""

from __future__ import annotations

from functools import partial

from tuckshop.dialects.shared.errors import Details
from tuckshop.http import request as calls

API = "/api/v1"
ERRORS = Details()

answered = partial(calls.answered, errors=ERRORS)
