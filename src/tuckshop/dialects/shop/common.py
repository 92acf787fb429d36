"""What the whole dialect shares."""

from __future__ import annotations

from functools import partial

from tuckshop.dialects.errors import Details
from tuckshop.dialects.tab_orders import SENTENCES
from tuckshop.http import calls

ERRORS = Details(sentences=SENTENCES)

answered = partial(calls.answered, errors=ERRORS)
