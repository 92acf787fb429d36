"""Products and their stock.

An attribute of a product is a field of `domain.products.Product`. Here it is named where a product is added
and where it is changed, and in the record that is shown of it; all else follows from the fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET, UnsetType

from tuckshop.domain import products as product_rules
from tuckshop.domain.field_problems import TaxOutOfRange
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.money import check_price
from tuckshop.domain.products import ATTRIBUTES, Product, StockKind, StockMovement
from tuckshop.domain.refusals import BarcodeTaken, InvalidField, NameTaken, UnknownUser, VersionChanged
from tuckshop.domain.selling import Use
from tuckshop.domain.users import Actor, Role, name_key
from tuckshop.till.callers import SessionCaller
from tuckshop.till.commands.base import Command, LogSubject, Receipt, command
from tuckshop.till.state import looks, quotas
from tuckshop.till.state.forms import receipt
from tuckshop.till.state.posting import move_stock, open_shelf
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.rows import ProductRow
from tuckshop.till.state.working_set import WorkingSet


@receipt("product.saved")
class ProductRecord(Receipt, frozen=True):
    """A product; `stock` on the command's machine."""

    product_id: int
    name: str
    price_cents: int
    stock: int
    seller_id: int | None
    seller: str | None
    refundable: bool
    tax_basis_points: int
    cost_cents: int
    image_id: int | None
    version: int
    # Unset where the answer was stored before there were any: it is told again as it was.
    category: str | UnsetType | None = UNSET
    barcode: str | UnsetType | None = UNSET
    waiting: bool | UnsetType = UNSET  # for an admin; unset if it does not


@receipt("product.removed")
class ProductRemoved(Receipt, frozen=True):
    """The product is off sale."""

    product_id: int


@command("product.add")
class AddProduct(Command, frozen=True):
    """A new product of the caller's (`for_house`: of the shop itself) with its first stock.

    `seller_id`: the product is this seller's; admins add products for others.
    """

    name: str
    price_cents: int
    stock: int
    refundable: bool = True
    tax_basis_points: int = 0
    cost_cents: int = 0
    image_id: int | None = None
    category: str | None = None
    barcode: str | None = None
    for_house: bool = False
    machine_id: int = DEFAULT_MACHINE_ID
    seller_id: int | None = None

    def reads(self, need: ReadSet) -> None:
        """Who bears the name and the barcode, and the seller."""
        _read_new_name(self.name, need)
        _read_barcode(self.barcode, need)
        need.machines.add(self.machine_id)
        if self.seller_id is not None:
            need.sellers.add(self.seller_id)
            need.quotas.add(self.seller_id)
        elif isinstance(self.caller, SessionCaller):
            # Locked: a seller who is being closed must not be left with a product.
            need.locked_users.add(self.caller.user_id)
            if not self.for_house:
                need.quotas.add(self.caller.user_id)
        quotas.read_image(self.image_id, need)
        need.new_ids["products"] += 1

    def execute(self, actor: Actor, work: WorkingSet) -> ProductRecord:
        """A product on sale, with its first stock."""
        seller_id = self._seller_id(actor, work)
        work.machines.box(self.machine_id)
        name = product_rules.check_product_name(self.name)
        key = name_key(name)
        stock = product_rules.check_quantity(self.stock, field="stock", least=0)
        if key in work.products.names:
            raise NameTaken(name=name)
        _check_figures(self)
        quotas.require_invited(actor, seller_id, work, machine_id=self.machine_id)
        image_bytes = work.products.image_bytes.get(self.image_id or 0, 0)
        quotas.require_room(seller_id, Use(products=1, pieces=stock, picture_bytes=image_bytes), work)
        product = Product(
            id=work.new_id("products"),
            seller_id=seller_id,
            version=1,
            on_sale=True,
            **{each: getattr(self, each) for each in ATTRIBUTES} | {"name": name} | _labels(self),
        )
        _require_free_barcode(product, work)
        product = product._replace(waiting=looks.must_wait(product, actor, work))
        self._keep_seller(seller_id, work)
        looks.keep(None, product, work)
        work.products.names[key] = product.id
        work.products.by_id[product.id] = product
        work.products.use(seller_id, Use(products=1, picture_bytes=image_bytes))
        if product.barcode is not None:
            work.products.barcodes[product.seller_id, product.barcode] = product.id
        work.changes.products.added.append(ProductRow(product=product, created_us=work.now_us))
        open_shelf(work, self.machine_id, product.id)
        if stock:
            movement = StockMovement(StockKind.INITIAL, self.machine_id, product.id, stock)
            move_stock(work, movement, actor)
        return _record(work, product, self.machine_id)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """A product for the house, or for somebody else."""
        if not self.for_house and self.seller_id in (None, actor.user_id):
            return None
        product_id = 0 if receipt is None else receipt.product_id  # There is none before.
        return log_product(self.tag, product_id, [self.machine_id], work)

    def _seller_id(self, actor: Actor, work: WorkingSet) -> int | None:
        """Whose the product will be; None: the shop's own."""
        if self.for_house:
            actor.require(Role.ADMIN)
            return None
        if self.seller_id is None or self.seller_id == actor.user_id:
            actor.require(Role.SELLER)
            return actor.user_id
        actor.require(Role.ADMIN)
        if self.seller_id not in work.products.open_sellers:
            raise UnknownUser(user=self.seller_id)
        return self.seller_id

    def _keep_seller(self, seller_id: int | None, work: WorkingSet) -> None:
        products = work.products
        if seller_id in products.open_sellers:
            products.sellers[seller_id] = products.open_sellers[seller_id]
        elif seller_id is not None:
            assert isinstance(self.caller, SessionCaller)  # Whoever else adds products names an open seller.
            products.sellers[seller_id] = work.users.sessions[self.caller.session_id].username


@command("product.change")
class ChangeProduct(Command, frozen=True):
    """New attributes, and stock to a target as a correction; None leaves a thing as it is.

    An empty `category` or `barcode`: the product has none any more.
    `version`: change only if the product still is at this attribute version.
    """

    product_id: int
    version: int | None = None
    name: str | None = None
    price_cents: int | None = None
    refundable: bool | None = None
    tax_basis_points: int | None = None
    cost_cents: int | None = None
    image_id: int | None = None
    category: str | None = None
    barcode: str | None = None
    stock: int | None = None
    reason: str | None = None
    machine_id: int = DEFAULT_MACHINE_ID
    without_image: bool = False

    def reads(self, need: ReadSet) -> None:
        """The product with its shelves, and who bears the new name and barcode."""
        _read_product(need, self.machine_id, self.product_id)
        if self.name is not None:
            _read_new_name(self.name, need)
        _read_barcode(self.barcode, need)
        if self.stock is not None or self.image_id is not None:
            need.stocking.add(self.product_id)
        quotas.read_image(self.image_id, need)

    def execute(self, actor: Actor, work: WorkingSet) -> ProductRecord:
        """A product's attributes, and its stock to a target."""
        product = _own_product(actor, work, self.product_id, version=self.version)
        work.machines.box(self.machine_id)
        _check_figures(self)
        changed = self._changed(product, actor, work)
        shelf = work.products.shelf(self.machine_id, product.id)
        missing = 0
        if self.stock is not None:
            missing = product_rules.check_quantity(self.stock, field="stock", least=0) - shelf.quantity
        movement = product_rules.move(shelf, StockKind.CORRECTION, missing) if missing else None
        if missing > 0:
            quotas.require_invited(actor, product.seller_id, work, machine_id=self.machine_id)
        larger = work.products.picture_bytes(changed) - work.products.picture_bytes(product)
        quotas.require_room(product.seller_id, Use(pieces=missing, picture_bytes=larger), work)

        if changed != product:
            changed = changed._replace(version=product.version + 1)
            _keep_change(product, changed, work)
        if movement is not None:
            open_shelf(work, self.machine_id, product.id)
            move_stock(work, movement, actor, reason=self.reason)
        return _record(work, changed, self.machine_id)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """Somebody else's product, if anything of it is another."""
        line = _log_everywhere(self.tag, actor, self.product_id, work)
        return None if line is None else line._replace(only_changes=True)

    def _changed(self, product: Product, actor: Actor, work: WorkingSet) -> Product:
        """Raises InvalidField, NameTaken, BarcodeTaken."""
        named = {each: getattr(self, each) for each in ATTRIBUTES}
        if named["name"] is not None:
            named["name"] = product_rules.check_product_name(named["name"])
            if work.products.names.get(name_key(named["name"]), product.id) != product.id:
                raise NameTaken(name=named["name"])
        changed = product._replace(**{each: value for each, value in named.items() if value is not None})
        changed = changed._replace(**_labels(self))
        _require_free_barcode(changed, work)
        if name_key(changed.name) != name_key(product.name):
            changed = changed._replace(waiting=looks.must_wait(changed, actor, work))
        return changed._replace(image_id=None) if self.without_image else changed


@command("product.restock")
class Restock(Command, frozen=True):
    """More pieces onto a shelf."""

    product_id: int
    quantity: int
    reason: str | None = None
    machine_id: int = DEFAULT_MACHINE_ID

    def reads(self, need: ReadSet) -> None:
        """The product with its shelves.

        Locked, though it is only read: where there is no shelf yet, nothing else keeps the product on sale
        until the pieces are in.
        """
        _read_product(need, self.machine_id, self.product_id)
        need.stocking.add(self.product_id)

    def execute(self, actor: Actor, work: WorkingSet) -> ProductRecord:
        """Pieces onto a shelf."""
        product = _own_product(actor, work, self.product_id)
        work.machines.box(self.machine_id)
        quantity = product_rules.check_quantity(self.quantity, field="quantity", least=1)
        shelf = work.products.shelf(self.machine_id, product.id)
        movement = product_rules.move(shelf, StockKind.RESTOCK, quantity)
        quotas.require_invited(actor, product.seller_id, work, machine_id=self.machine_id)
        quotas.require_room(product.seller_id, Use(pieces=quantity), work)
        open_shelf(work, self.machine_id, product.id)
        move_stock(work, movement, actor, reason=self.reason)
        return _record(work, product, self.machine_id)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """Somebody else's product."""
        return _log_everywhere(self.tag, actor, self.product_id, work)


@command("product.remove")
class RemoveProduct(Command, frozen=True):
    """A product off sale; what its shelves hold is corrected to none, and its name is free again."""

    product_id: int
    version: int | None = None

    def reads(self, need: ReadSet) -> None:
        """The product with its shelves."""
        need.changing_products.add(self.product_id)

    def execute(self, actor: Actor, work: WorkingSet) -> ProductRemoved:
        """A product off sale."""
        product = _own_product(actor, work, self.product_id, version=self.version)
        take_off_sale(work, product, actor)
        return ProductRemoved(product_id=product.id)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """Somebody else's product."""
        return _log_everywhere(self.tag, actor, self.product_id, work)


def take_off_sale(work: WorkingSet, product: Product, actor: Actor) -> None:
    """Its name is free, and what its shelves hold is corrected to none."""
    products, changes = work.products, work.changes.products
    for shelf in [shelf for shelf in products.shelves.values() if shelf.product_id == product.id]:
        if shelf.quantity:
            movement = product_rules.move(shelf, StockKind.CORRECTION, -shelf.quantity)
            move_stock(work, movement, actor, reason="taken off sale")
    products.names.pop(name_key(product.name), None)
    looks.keep(product, None, work)
    if product.barcode is not None:
        products.barcodes.pop((product.seller_id, product.barcode), None)
    products.by_id[product.id] = product._replace(on_sale=False)
    products.use(product.seller_id, Use(products=-1, picture_bytes=-products.picture_bytes(product)))
    changes.removed.add(product.id)
    changes.renamed.setdefault(product.id, name_key(product.name))


def read_named(name: str, machine_id: int, need: ReadSet) -> None:
    """The product of this name, and its shelf at the machine."""
    key = _read_name(name, need)
    if key is not None:
        need.named_products.add((machine_id, key))


def is_own_product(actor: Actor, product_id: int, work: WorkingSet) -> bool:
    """Whether the actor sells it."""
    product = work.products.by_id.get(product_id)
    return product is not None and product.seller_id is not None and product.seller_id == actor.user_id


def log_product(action: str, product_id: int, machines: Iterable[int], work: WorkingSet) -> LogSubject:
    """A product on sale, and what is left of it on these machines."""
    name = f"product:{product_id}"
    product = work.products.by_id.get(product_id)
    if product is None or not product.on_sale:
        return LogSubject(action, name, None)
    shelves = (work.products.shelves.get((machine_id, product_id)) for machine_id in sorted(set(machines)))
    facts = {_LOGGED_AS.get(each, each): value for each, value in product_rules.attributes(product).items()}
    facts["stock"] = {shelf.machine_id: shelf.quantity for shelf in shelves if shelf is not None}
    return LogSubject(action, name, facts)


_LOGGED_AS = {"image_id": "image"}
"""Attributes that the log has always called otherwise."""


def _log_everywhere(action: str, actor: Actor, product_id: int, work: WorkingSet) -> LogSubject | None:
    if is_own_product(actor, product_id, work):
        return None
    machines = [machine_id for machine_id, one in work.products.shelves if one == product_id]
    return log_product(action, product_id, machines, work)


def _read_product(need: ReadSet, machine_id: int, product_id: int) -> None:
    need.changing_products.add(product_id)  # With all its shelves.
    need.machines.add(machine_id)


def _read_name(name: str, need: ReadSet) -> str | None:
    """A name against the rules is refused unseen; the database might choke on it."""
    try:
        key = name_key(product_rules.check_product_name(name))
    except InvalidField:
        return None
    need.product_names.add(key)
    return key


def _read_new_name(name: str, need: ReadSet) -> None:
    if _read_name(name, need) is not None:
        looks.read(name, need)


def _read_barcode(barcode: str | None, need: ReadSet) -> None:
    """A code against the rules is refused unseen, as a name is."""
    try:
        checked = product_rules.check_barcode(barcode or "")
    except InvalidField:
        return
    if checked is not None:
        need.barcodes.add(checked)


def _labels(command: AddProduct | ChangeProduct) -> dict[str, Any]:
    """The category and the barcode that the command gives, checked."""
    labels: dict[str, Any] = {}
    if command.category is not None:
        labels["category"] = product_rules.check_category(command.category)
    if command.barcode is not None:
        labels["barcode"] = product_rules.check_barcode(command.barcode)
    return labels


def _require_free_barcode(product: Product, work: WorkingSet) -> None:
    if product.barcode is None:
        return
    bearer = work.products.barcodes.get((product.seller_id, product.barcode), product.id)
    if bearer != product.id:
        raise BarcodeTaken(barcode=product.barcode, product=bearer)


def _own_product(actor: Actor, work: WorkingSet, product_id: int, *, version: int | None = None) -> Product:
    product = product_rules.require_on_sale(work.products.by_id.get(product_id), product_id)
    product_rules.require_owner(actor, product.seller_id)
    if version is not None and version != product.version:
        raise VersionChanged(version=product.version)
    return product


def _keep_change(before: Product, after: Product, work: WorkingSet) -> None:
    products, changes = work.products, work.changes.products
    old_key, new_key = name_key(before.name), name_key(after.name)
    if new_key != old_key:
        products.names.pop(old_key, None)
        products.names[new_key] = after.id
        changes.renamed.setdefault(after.id, old_key)
        looks.keep(before, after, work)
    if after.barcode != before.barcode:
        if before.barcode is not None:
            products.barcodes.pop((before.seller_id, before.barcode), None)
            changes.renamed.setdefault(after.id, old_key)
        if after.barcode is not None:
            products.barcodes[after.seller_id, after.barcode] = after.id
    products.by_id[after.id] = after
    larger = products.picture_bytes(after) - products.picture_bytes(before)
    products.use(after.seller_id, Use(picture_bytes=larger))
    changes.changed.add(after.id)


def _check_figures(command: AddProduct | ChangeProduct) -> None:
    if command.price_cents is not None:
        check_price(command.price_cents)
    if command.cost_cents:
        check_price(command.cost_cents, field="cost")
    tax = command.tax_basis_points
    if tax is not None and not 0 <= tax <= product_rules.TAX_BASIS_POINTS_MAX:
        raise InvalidField(field="tax", problem=TaxOutOfRange(product_rules.TAX_BASIS_POINTS_MAX))


def _record(work: WorkingSet, product: Product, machine_id: int) -> ProductRecord:
    return ProductRecord(
        product_id=product.id,
        stock=work.products.shelf(machine_id, product.id).quantity,
        seller_id=product.seller_id,
        seller=None if product.seller_id is None else work.products.sellers[product.seller_id],
        version=product.version,
        waiting=product.waiting or UNSET,
        **product_rules.attributes(product),
    )
