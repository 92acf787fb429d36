"""Approving products that wait because their names look like another seller's."""

from __future__ import annotations

from typing import Any

from tuckshop.domain import products as product_rules
from tuckshop.domain.users import Actor, Role
from tuckshop.till.commands.base import Command, LogSubject, Receipt, command
from tuckshop.till.state import looks
from tuckshop.till.state.forms import receipt
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


@receipt("product.approved")
class ProductApproved(Receipt, frozen=True):
    """The product is on sale for everybody."""

    product_id: int


@command("product.approve")
class ApproveProduct(Command, frozen=True):
    """A product that looks like another seller's, on sale all the same. Approved twice, it is once."""

    product_id: int

    def reads(self, need: ReadSet) -> None:
        """The product with its shelves."""
        need.changing_products.add(self.product_id)

    def execute(self, actor: Actor, work: WorkingSet) -> ProductApproved:
        """By an admin."""
        actor.require(Role.ADMIN)
        products = work.products
        product = product_rules.require_on_sale(products.by_id.get(self.product_id), self.product_id)
        if product.waiting:
            approved = products.by_id[product.id] = product._replace(waiting=False)
            looks.keep(product, approved, work)
        return ProductApproved(product_id=product.id)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every time that it changes something."""
        product = work.products.by_id.get(self.product_id)
        facts = None if product is None else {"name": product.name, "waiting": product.waiting}
        return LogSubject(self.tag, f"product:{self.product_id}", facts, only_changes=True)
