"""Machines: their coin boxes, the stock that moves between them, and how their shelves are planned."""

from __future__ import annotations

from typing import Any

from tuckshop.domain import machines
from tuckshop.domain import products as product_rules
from tuckshop.domain.coins import Coins
from tuckshop.domain.field_problems import SameMachine
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.products import StockKind
from tuckshop.domain.refusals import InvalidField, PlanChanged
from tuckshop.domain.users import Actor, Role
from tuckshop.store.admin_log import Facts
from tuckshop.till.commands.base import Command, LogSubject, Receipt, Value, command
from tuckshop.till.commands.products import is_own_product, log_product
from tuckshop.till.state import quotas
from tuckshop.till.state.forms import receipt
from tuckshop.till.state.posting import declare, declared_cents, move_coins, move_stock, open_shelf, post
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


@receipt("coin_box.moved")
class CoinsCarried(Receipt, frozen=True):
    """`coins` went into or out of the machine's box."""

    transfer_id: int
    machine_id: int
    amount_cents: int
    coins: dict[int, int]
    created_us: int


@receipt("coin_box.counted")
class CoinsCounted(Receipt, frozen=True):
    """What the books expected and what was counted, by coin; below 0: `over_short_cents` are missing."""

    machine_id: int
    expected: dict[int, int]
    counted: dict[int, int]
    over_short_cents: int
    created_us: int


@receipt("stock.moved")
class StockMoved(Receipt, frozen=True):
    """Pieces moved; `stock` is left on the machine, `target_stock` is on the other."""

    product_id: int
    machine_id: int
    stock: int
    target_id: int
    target_stock: int


class ShelfRecord(Value, frozen=True):
    """A shelf and its plan. `price_cents` None: the product's own."""

    product_id: int
    name: str
    quantity: int
    slot: str | None
    capacity: int | None
    par_level: int | None
    price_cents: int | None


@receipt("shelves.set")
class ShelvesSet(Receipt, frozen=True):
    """The shelves that were named, as they are now."""

    machine_id: int
    shelves: tuple[ShelfRecord, ...]


@command("coins.fill")
class FillCoins(Command, frozen=True):
    """Coins from the bank into a machine."""

    machine_id: int
    coins: Coins
    reason: str | None = None

    def reads(self, need: ReadSet) -> None:
        """The box; its coins are for the admin log."""
        _read_box(need, self.machine_id, transfers=1)

    def execute(self, actor: Actor, work: WorkingSet) -> CoinsCarried:
        """Coins into the box."""
        actor.require(Role.CASHIER, Role.ADMIN)
        box = work.machines.box(self.machine_id)
        moved = machines.fill(box, self.coins, known=work.policy.currency.values_cents)
        return _carried(moved, 1, self.machine_id, self.reason, actor=actor, work=work)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every time."""
        return _log_box(self.tag, self.machine_id, work)


@command("coins.collect")
class CollectCoins(Command, frozen=True):
    """Coins out of a machine to the bank."""

    machine_id: int
    coins: Coins
    reason: str | None = None

    def reads(self, need: ReadSet) -> None:
        """The box; its coins are for the admin log."""
        _read_box(need, self.machine_id, transfers=1)

    def execute(self, actor: Actor, work: WorkingSet) -> CoinsCarried:
        """Coins out of the box."""
        actor.require(Role.CASHIER, Role.ADMIN)
        box = work.machines.box(self.machine_id)
        moved = machines.collect(box, self.coins, known=work.policy.currency.values_cents)
        declared = declared_cents(work, self.machine_id)
        if declared:
            # What lies at the bank has been seen.
            declare(work, self.machine_id, -min(declared, moved.transfer.amount_cents))
        return _carried(moved, -1, self.machine_id, self.reason, actor=actor, work=work)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every time."""
        return _log_box(self.tag, self.machine_id, work)


@command("coins.count")
class CountCoins(Command, frozen=True):
    """What somebody counted in a machine, every coin named; the books follow."""

    machine_id: int
    counted: Coins
    reason: str | None = None

    def reads(self, need: ReadSet) -> None:
        """The box with its coins."""
        _read_box(need, self.machine_id, transfers=2)

    def execute(self, actor: Actor, work: WorkingSet) -> CoinsCounted:
        """A box counted; coins found and coins missed go over or short."""
        actor.require(Role.CASHIER, Role.ADMIN)
        box = work.machines.box(self.machine_id)
        found = machines.count(box, self.counted, known=work.policy.currency.values_cents)
        for moved, sign in ((found.over, 1), (found.short, -1)):
            if moved is not None:
                _carried(moved, sign, self.machine_id, self.reason, actor=actor, work=work)
        declared = declared_cents(work, self.machine_id)
        if declared:
            declare(work, self.machine_id, -declared)
        return CoinsCounted(
            machine_id=box.machine_id,
            expected=found.expected,
            counted=found.counted,
            over_short_cents=found.over_short_cents,
            created_us=work.now_us,
        )

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every count."""
        return _log_box(self.tag, self.machine_id, work)


@command("product.move")
class MoveStock(Command, frozen=True):
    """Pieces of a product from one machine to another."""

    machine_id: int
    target_id: int
    product_id: int
    quantity: int
    reason: str | None = None

    def reads(self, need: ReadSet) -> None:
        """The product with its shelves, and both machines."""
        need.changing_products.add(self.product_id)
        need.stocking.add(self.product_id)
        need.machines.update((self.machine_id, self.target_id))

    def execute(self, actor: Actor, work: WorkingSet) -> StockMoved:
        """Two movements that add up to nothing."""
        products = work.products
        product = product_rules.require_on_sale(products.by_id.get(self.product_id), self.product_id)
        product_rules.require_owner(actor, product.seller_id)
        work.machines.box(self.machine_id)
        work.machines.box(self.target_id)
        if self.target_id == self.machine_id:
            raise InvalidField(field="to", problem=SameMachine())
        quantity = product_rules.check_quantity(self.quantity, field="quantity", least=1)
        out = product_rules.move(products.shelf(self.machine_id, product.id), StockKind.MOVE, -quantity)
        into = product_rules.move(products.shelf(self.target_id, product.id), StockKind.MOVE, quantity)
        quotas.require_invited(actor, product.seller_id, work, machine_id=self.target_id)
        open_shelf(work, self.target_id, product.id)
        for movement in (out, into):
            move_stock(work, movement, actor, reason=self.reason)
        return StockMoved(
            product_id=product.id,
            machine_id=self.machine_id,
            stock=products.shelf(self.machine_id, product.id).quantity,
            target_id=self.target_id,
            target_stock=products.shelf(self.target_id, product.id).quantity,
        )

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """Other people's products."""
        if is_own_product(actor, self.product_id, work):
            return None
        return log_product(self.tag, self.product_id, [self.machine_id, self.target_id], work)


@command("machine.shelves")
class SetShelves(Command, frozen=True):
    """A machine's planogram; shelves not named lose slot, capacity, refill level and price.

    `seen`: only if these shelves are still planned so.
    """

    machine_id: int
    plans: tuple[ShelfPlan, ...]
    seen: tuple[ShelfPlan, ...] = ()

    def reads(self, need: ReadSet) -> None:
        """Every shelf of the machine."""
        need.machines.add(self.machine_id)
        need.changing_products.update(plan.product_id for plan in self.plans)
        need.planograms.add(self.machine_id)

    def execute(self, actor: Actor, work: WorkingSet) -> ShelvesSet:
        """All of a machine's shelves as planned; what is on them stays."""
        actor.require(Role.ADMIN)
        machine_id = work.machines.box(self.machine_id).machine_id
        self._require_seen(work)
        plans = machines.check_plans(self.plans)
        products = [
            product_rules.require_on_sale(work.products.by_id.get(plan.product_id), plan.product_id)
            for plan in plans
        ]
        named = {plan.product_id: plan for plan in plans}
        for product in products:
            open_shelf(work, machine_id, product.id)
        for ref, shelf in list(work.products.shelves.items()):
            if ref[0] == machine_id:
                plan = named.get(ref[1], ShelfPlan(ref[1]))
                work.products.shelves[ref] = shelf._replace(
                    capacity=plan.capacity, price_cents=plan.price_cents
                )
                work.changes.products.plans[ref] = plan
        records = (
            ShelfRecord(
                product_id=product.id,
                name=product.name,
                quantity=work.products.shelf(machine_id, product.id).quantity,
                slot=plan.slot,
                capacity=plan.capacity,
                par_level=plan.par_level,
                price_cents=plan.price_cents,
            )
            for plan, product in zip(plans, products, strict=True)
        )
        return ShelvesSet(machine_id=machine_id, shelves=tuple(records))

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every planogram."""
        return LogSubject(self.tag, f"machine:{self.machine_id}", _planogram(self.machine_id, work))

    def _require_seen(self, work: WorkingSet) -> None:
        for plan in self.seen:
            ref = (self.machine_id, plan.product_id)
            loaded = work.products.plans.get(ref, ShelfPlan(plan.product_id))
            if work.changes.products.plans.get(ref, loaded) != plan:
                raise PlanChanged(machine=self.machine_id)


def _read_box(need: ReadSet, machine_id: int, *, transfers: int) -> None:
    need.machines.add(machine_id)
    need.counted_machines.add(machine_id)
    need.new_ids["transfers"] += transfers


def _carried(
    moved: machines.BoxMoved,
    sign: int,
    machine_id: int,
    reason: str | None,
    *,
    actor: Actor,
    work: WorkingSet,
) -> CoinsCarried:
    transfer_id = post(work, moved.transfer, actor, machine_id=machine_id, reason=reason)
    box = work.machines.box(machine_id)
    move_coins(work, box, moved.coins, sign, transfer_id=transfer_id, actor=actor, reason=reason)
    return CoinsCarried(
        transfer_id=transfer_id,
        machine_id=machine_id,
        amount_cents=moved.transfer.amount_cents,
        coins=dict(moved.coins),
        created_us=work.now_us,
    )


def _log_box(action: str, machine_id: int, work: WorkingSet) -> LogSubject:
    box = work.machines.boxes.get(machine_id)
    facts = None if box is None else {"coins": dict(sorted(box.held.items()))}
    return LogSubject(action, f"machine:{machine_id}", facts)


def _planogram(machine_id: int, work: WorkingSet) -> Facts:
    products = work.products
    unplanned = {ref: ShelfPlan(ref[1]) for ref in products.shelves}  # Those that this very batch has made.
    plans = unplanned | products.plans | work.changes.products.plans
    return {
        "shelves": {
            product_id: {
                "slot": plan.slot,
                "capacity": plan.capacity,
                "par_level": plan.par_level,
                "price_cents": plan.price_cents,
            }
            for (of_id, product_id), plan in sorted(plans.items())
            if of_id == machine_id
        }
    }
