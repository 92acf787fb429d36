"""What the whole dialect shares."""

from __future__ import annotations

from functools import partial

from tuckshop.dialects.shared.errors import Details
from tuckshop.http import response

API = "/api/v1"
ERRORS = Details()

respond = partial(response.respond, refused=ERRORS.of_refusal)
