"""What the whole dialect shares."""

from __future__ import annotations

from functools import partial

from tuckshop.dialects.shared.errors import Details
from tuckshop.dialects.shared.tab_orders import SENTENCES
from tuckshop.http import response

ERRORS = Details(sentences=SENTENCES)

answered = partial(response.answered, refused=ERRORS.of_refusal)
