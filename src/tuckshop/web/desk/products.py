"""`/desk/products`: all that somebody sells, or sold once; and something new."""

from __future__ import annotations

from tuckshop.domain.users import Role
from tuckshop.web.ui import product_list, product_page
from tuckshop.web.ui.product_page import ProductRoom

_ROOM = ProductRoom(name="desk", viewers=(Role.SELLER,), editors=(Role.SELLER,), own_only=True)

HANDLERS = (*product_list.handlers(_ROOM), *product_page.handlers(_ROOM))
