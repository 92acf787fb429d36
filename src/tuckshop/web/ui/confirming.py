"""Asking for the password, where a page changes rights, keys or tokens: see `identity.confirmation`.

The page that asks has in it what was posted. With the password that is posted again, to the same address, and
done: nobody fills in a form twice.
"""

from __future__ import annotations

from typing import Any

from tuckshop.domain.refusals import (
    BadCredentials,
    ConfirmationRequired,
    Refusal,
    SecondFactorNeeded,
    SecondFactorWrong,
    TooManyTries,
)
from tuckshop.domain.users import PASSWORD_LENGTH_MAX
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import confirmation, second_factor
from tuckshop.web.ui import forms, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import SignedInUser

_BESIDE: dict[type[Refusal], str] = {
    SecondFactorNeeded: forms.CONFIRM_CODE,
    SecondFactorWrong: forms.CONFIRM_CODE,
}


async def asked(request: ShopRequest, member: SignedInUser) -> Response[Any] | None:
    """The page that asks, to be answered instead of what was posted; None: the session is fresh.

    Raises:
        SessionEnded: it has ended meanwhile.
    """
    posted = await forms.read_any(request)
    password, code = (posted.pop(name, "") for name in (forms.CONFIRM_PASSWORD, forms.CONFIRM_CODE))
    form = BoundForm(request, {forms.CONFIRM_PASSWORD: "", forms.CONFIRM_CODE: ""})
    form.status = 403
    try:
        if password:
            await confirmation.confirm(
                request.shop,
                caller=member.caller,
                password=password[: PASSWORD_LENGTH_MAX + 1],  # Which is nobody's.
                address=request.address,
                code=code or None,
            )
        else:
            await confirmation.require(request.shop, caller=member.caller)
    except ConfirmationRequired:
        pass
    except BadCredentials:
        form.status = 422
        form.tell(forms.CONFIRM_PASSWORD, form.words.gettext("That is not your current password."))
    except (SecondFactorNeeded, SecondFactorWrong, TooManyTries) as refusal:
        form.status = 422
        form.refuse(refusal, beside=_BESIDE)
    else:
        return None
    return rooms.page(
        request,
        "account/confirm.html",
        member=member,
        status=form.status,
        form=form,
        takes_code=(await second_factor.state(request.shop, user_id=member.user_id)).is_on,
        action=request.scope["path"],
        sent=posted,
    )
