"""What the whole dialect shares."""

from __future__ import annotations

from functools import partial

from tuckshop.dialects.shared.errors import Details
from tuckshop.dialects.shared.tab_orders import SENTENCES
from tuckshop.http import request as calls

ERRORS = Details(sentences=SENTENCES)

answered = partial(calls.answered, errors=ERRORS)
