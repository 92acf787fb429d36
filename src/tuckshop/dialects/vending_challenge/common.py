"""What the whole dialect shares."""

from __future__ import annotations

from functools import partial

from tuckshop.dialects.shared.errors import Details
from tuckshop.domain.refusals import ChangeUnpayable
from tuckshop.http import response

API = "/api/v1"
ERRORS = Details(
    sentences={
        ChangeUnpayable: "This machine has no change for {change_cents}, or it is more than 10000 coins."
        " Pay the exact amount, or ask at the cash desk."
    }
)

respond = partial(response.respond, refused=ERRORS.of_refusal)
