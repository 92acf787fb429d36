"""What the ways in share: where to go on, who may come in, and a new password typed twice."""

from __future__ import annotations

from tuckshop.domain.users import RegistrationMode, Role
from tuckshop.http.request import ShopRequest
from tuckshop.web.ui import forms
from tuckshop.web.ui.bound_form import BoundForm

FIRST_PAGE = "/account"
ROLES = {
    "buyer": (Role.BUYER,),
    "seller": (Role.SELLER,),
    "both": (Role.BUYER, Role.SELLER),
}
"""The roles that can register, by the name that the form has for it."""
_WAYS_IN = ("/login", "/register")


def back_from(given: str) -> str:
    """Where to go on: a page of ours that is no way in itself."""
    is_page = forms.own_path(given) == given and not given.startswith(_WAYS_IN)
    return given if is_page else FIRST_PAGE


def offered(request: ShopRequest) -> dict[str, bool]:
    """Those of ROLES that can register, and whether an admin has to approve them."""
    settings = request.settings
    modes = {Role.BUYER: settings.registration, Role.SELLER: settings.sellers_register}
    return {
        name: any(modes[role] is RegistrationMode.APPROVE for role in roles)
        for name, roles in ROLES.items()
        if not any(modes[role] is RegistrationMode.CLOSED for role in roles)
    }


def check_again(form: BoundForm, name: str) -> None:
    """Complains unless the new password was typed twice alike: nobody sees what they type."""
    if not form.typed[name]:
        form.miss(name)
    elif form.typed[name] != form.typed["again"]:
        form.tell("again", form.words.gettext("The passwords do not match."))
