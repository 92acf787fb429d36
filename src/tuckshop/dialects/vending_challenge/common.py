"""What the whole dialect shares."""

from __future__ import annotations

from functools import partial

from tuckshop.dialects.shared.errors import Details
from tuckshop.http import response

API = "/api/v1"
ERRORS = Details()

answered = partial(response.answered, refused=ERRORS.of_refusal)
