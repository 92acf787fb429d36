"""Products of a file: added and changed together, and that undone."""

from __future__ import annotations

from typing import Any

from tuckshop.domain import products as product_rules
from tuckshop.domain.field_problems import TooLarge
from tuckshop.domain.products import Product
from tuckshop.domain.refusals import InvalidField, Refusal
from tuckshop.domain.users import Actor, Role
from tuckshop.till.commands.base import Command, Receipt, Value, command, execute_logged
from tuckshop.till.commands.products import AddProduct, ChangeProduct, ProductRecord, RemoveProduct
from tuckshop.till.state.forms import receipt
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


class ImportedProduct(Value, frozen=True):
    """What a step has done to a product, so that it can be undone.

    `version`: of the product's attributes, afterwards. `before`: those that it changed, as they were; None
    for a new product. `stock_before`, `stock_after`: pieces on the machine's shelf.
    """

    product_id: int
    version: int
    machine_id: int
    stock_before: int
    stock_after: int
    before: dict[str, Any] | None = None


@receipt("products.changed")
class ProductsChanged(Receipt, frozen=True):
    """How many products were added, and how many others were named.

    `done` is empty in what older releases have stored: that cannot be undone.
    """

    added: int
    changed: int
    done: tuple[ImportedProduct, ...] = ()


@receipt("products.undone")
class ProductsUndone(Receipt, frozen=True):
    """How many products are as before, or gone; the names of those of which something stays as it is."""

    undone: int
    kept: tuple[str, ...] = ()


@command("products.change")
class ChangeProducts(Command, frozen=True):
    """Products added and changed together, in this order: all of them or none.

    Raises:
        ValueError: built with a step in somebody else's name.
    """

    steps: tuple[AddProduct | ChangeProduct, ...]

    def __post_init__(self) -> None:
        if any(step.caller != self.caller for step in self.steps):
            raise ValueError("every step is the caller's own")

    def reads(self, need: ReadSet) -> None:
        """What the steps need."""
        for step in self.steps:
            step.reads(need)

    def execute(self, actor: Actor, work: WorkingSet) -> ProductsChanged:
        """As the steps one after the other would; the first refusal undoes those before."""
        if len(self.steps) > product_rules.PRODUCTS_MAX:
            raise InvalidField(field="products", problem=TooLarge(product_rules.PRODUCTS_MAX))
        trial = work.copy()
        done = tuple(_done(step, actor, trial) for step in self.steps)
        work.adopt(trial)
        added = sum(isinstance(step, AddProduct) for step in self.steps)
        return ProductsChanged(added=added, changed=len(self.steps) - added, done=done)


@command("products.undo")
class UndoProducts(Command, frozen=True):
    """What `ChangeProducts` has done, undone from the last to the first.

    What somebody has changed since stays as it is. So does a stock that is another by now, by a sale, a
    delivery or a count: nobody could say what is on the shelf.
    """

    done: tuple[ImportedProduct, ...]

    def reads(self, need: ReadSet) -> None:
        """What it takes to change the products back, or to remove them."""
        for one in self.done:
            self._back(one).reads(need)

    def execute(self, actor: Actor, work: WorkingSet) -> ProductsUndone:
        """Each product by itself."""
        actor.require(Role.SELLER, Role.ADMIN)
        undone, kept = 0, []
        for one in reversed(self.done):
            product = work.products.by_id.get(one.product_id)
            if product is None or (one.before is None and not product.on_sale):
                continue
            if self._undo(one, product, actor, work):
                undone += 1
            else:
                kept.append(product.name)
        return ProductsUndone(undone=undone, kept=tuple(reversed(kept)))

    def _undo(self, one: ImportedProduct, product: Product, actor: Actor, work: WorkingSet) -> bool:
        """Whether the product is wholly as it was. A refusal leaves the working set as it is."""
        shelves = [shelf for shelf in work.products.shelves.values() if shelf.product_id == product.id]
        if one.before is None and sum(shelf.quantity for shelf in shelves) > one.stock_after:
            return False
        is_recounted = one.before is not None and one.stock_before != one.stock_after
        stays = is_recounted and work.products.shelf(one.machine_id, product.id).quantity != one.stock_after
        try:
            execute_logged(self._back(one, stock=not stays), actor, work)
        except Refusal:
            return False
        return not stays

    def _back(self, one: ImportedProduct, *, stock: bool = True) -> ChangeProduct | RemoveProduct:
        if one.before is None:
            return RemoveProduct(self.caller, one.product_id, version=one.version)
        # None leaves a thing as it is, and an empty label takes it away.
        attributes: dict[str, Any] = {name: "" if old is None else old for name, old in one.before.items()}
        if attributes.get("image_id") == "":
            attributes |= {"image_id": None, "without_image": True}
        is_recounted = stock and one.stock_before != one.stock_after
        return ChangeProduct(
            self.caller,
            one.product_id,
            version=one.version,
            machine_id=one.machine_id,
            stock=one.stock_before if is_recounted else None,
            reason="import undone" if is_recounted else None,
            **attributes,
        )


def _done(step: AddProduct | ChangeProduct, actor: Actor, work: WorkingSet) -> ImportedProduct:
    """Does the step, and tells what it takes to undo it."""
    before, stock_before = None, 0
    if isinstance(step, ChangeProduct):
        before = work.products.by_id.get(step.product_id)
        stock_before = work.products.shelf(step.machine_id, step.product_id).quantity
    record = execute_logged(step, actor, work)
    assert isinstance(record, ProductRecord)
    differing = None
    if before is not None:
        now = product_rules.attributes(work.products.by_id[before.id])
        differing = {name: old for name, old in product_rules.attributes(before).items() if old != now[name]}
    return ImportedProduct(
        product_id=record.product_id,
        version=record.version,
        machine_id=step.machine_id,
        stock_before=stock_before,
        stock_after=record.stock,
        before=differing,
    )
