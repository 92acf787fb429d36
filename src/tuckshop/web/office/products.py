"""`/office/products`: everything on sale, whosever it is, which cashiers see and admins change."""

from __future__ import annotations

from tuckshop.domain.users import Role
from tuckshop.web.ui import product_list, product_page
from tuckshop.web.ui.product_page import ProductRoom

_ROOM = ProductRoom(name="office", viewers=(Role.CASHIER, Role.ADMIN), editors=(Role.ADMIN,), own_only=False)

HANDLERS = (*product_list.handlers(_ROOM), *product_page.handlers(_ROOM))
