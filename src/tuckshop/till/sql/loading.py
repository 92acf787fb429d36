"""Reads what the commands of a batch need into the working set, by noun. `script.load` has the order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from functools import cache
from typing import Any, TypeVar, get_type_hints

from tuckshop.domain import limits, payables
from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS
from tuckshop.domain.ledger import AccountKind, AccountRef, wallet_of
from tuckshop.domain.machines import BoxKind, CoinBox, CoinInput, FulfilMode, MachineRules, ShelfPlan
from tuckshop.domain.orders import Line, Payment
from tuckshop.domain.products import Product, Shelf
from tuckshop.domain.tabs import Grant
from tuckshop.domain.users import Actor, Role, UserState, read_scopes, roles_within, with_second_factor
from tuckshop.domain.wallet import CoinFlow, CoinsPolicy
from tuckshop.till.policy import Policy
from tuckshop.till.sql import closing as closing_users
from tuckshop.till.sql import statements
from tuckshop.till.sql.books import Contended
from tuckshop.till.sql.steps import Script, Step
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.rows import OrderRow
from tuckshop.till.state.working_set import Deposited, Payee, Session, UserSnapshot, WorkingSet

_ID_MAX = 2**63 - 1
_THE_SHOP = [(1,)]  # The only row of its table.
T = TypeVar("T")


def ids(some: Iterable[int]) -> list[tuple[int]]:
    """As keys of a statement, in order."""
    return [(one,) for one in sorted(some)]


def order_facts(need: ReadSet, named: Iterable[int]) -> Generator[Step, Any, set[int]]:
    """The orders that exist; what they touch is needed too.

    What was sold never changes, so it may be read before the order is locked; if who paid does, `orders`
    finds out. An order that another till makes after this look stays unknown: its wallet would not be
    locked.
    """
    found = set()
    for order_id, buyer_id, guest_id, machine_id, payment, product_id, seller_id in (
        yield statements.ORDER_FACTS, ids(named)
    ):
        found.add(order_id)
        need.new_ids["transfers"] += need.orders[order_id]
        wallet = AccountRef(AccountKind.WALLET, buyer_id, guest_id)
        need.wallets.add(wallet)
        if guest_id is not None:
            need.refunders.add(wallet)
        if buyer_id is not None:
            need.users.add(buyer_id)  # Who is gone gets no money back.
        if payment == Payment.TAB:
            need.tabs.add(buyer_id)
            need.tab_orders[buyer_id] = min(order_id, need.tab_orders.get(buyer_id, order_id))
        if (order_id, seller_id) in need.takers_back:
            need.sellers_back.add(seller_id)
        need.products.add(product_id)
        need.shelf(machine_id, product_id)
        need.machines.add(machine_id)
        if order_id in need.undoing:
            need.limits |= {limits.undone_times(machine_id), limits.undone_cents(machine_id)}
    if need.new_ids["orders"]:
        # What is not there yet may be made by this very batch, of whatever seller.
        need.sellers_back.update(user_id for order_id, user_id in need.takers_back if order_id not in found)
    return found


def newest_orders(need: ReadSet) -> Generator[Step, Any, set[int]]:
    """As many of a guest's newest orders as pieces are to come back, beside those that are named.

    Looked for once the guest's wallet is locked, which each purchase and each way back locks first.
    """
    found: set[int] = set()
    left = dict(need.newest_orders)
    before = dict.fromkeys(left, _ID_MAX)
    while left:
        for guest_id, machine_id, product_id, order_id in (
            yield statements.NEWEST, [(*ref, before[ref]) for ref in sorted(left)]
        ):
            ref = (guest_id, machine_id, product_id)
            left[ref] -= order_id not in need.orders
            if order_id is None or not left[ref]:
                del left[ref]
            if order_id is not None:
                found.add(order_id)
                before[ref] = order_id
    return (yield from order_facts(need, found)) if found else found


def users(work: WorkingSet, need: ReadSet) -> Script:
    """Who asks and who is named, whether they still are there, and what they may."""
    if need.locked_users or need.closing_users:
        # Before sessions are read: whoever waited here must see that theirs has ended.
        yield from _locked_users(work, need)
    if need.sessions:
        for session_id, *session in (yield statements.SESSIONS, ids(need.sessions)):
            work.users.sessions[session_id] = _session(need.policy, *session)
    if need.users:
        yield from _named_users(work, need)
    if need.guests:
        work.users.guests = {guest_id for (guest_id,) in (yield statements.GUESTS, ids(need.guests))}
    if need.screens:
        for screen_id, machine_id, secret_hash in (yield statements.SCREENS, ids(need.screens)):
            work.machines.screens[screen_id] = (machine_id, secret_hash)
    if need.machine_keys:
        work.machines.keys = dict((yield statements.MACHINE_KEYS, ids(need.machine_keys)))
    yield from _only_staff(work, need)
    if need.sellers:
        work.products.open_sellers = dict((yield statements.SELLERS, ids(need.sellers)))
    sessions = work.users.sessions.values()
    need.sellers_back &= {one.actor.user_id for one in sessions if one.actor.has(Role.SELLER)}
    if need.payees or need.sellers_back:
        yield from _payees(work, need)
    if need.client_refs:
        yield from _client_refs(work, need)


def coverage(work: WorkingSet, need: ReadSet) -> Script:
    """What there is to pay sellers from, where somebody asks."""
    if not need.coverage:
        return
    # Locked before looking: two who are paid at once must not both be paid from the same coins.
    yield statements.SHOP, _THE_SHOP
    ((covered_cents, declared_at),) = yield statements.COVERED, _THE_SHOP
    work.accounts.covered_cents, work.accounts.declared_at = covered_cents, declared_at


def names_taken(work: WorkingSet, need: ReadSet) -> Script:
    """What nobody else may register as."""
    if need.first_admin or need.skeletons or need.looks:
        # Locked before looking: two who want to be the first at once must not both find nobody there, and of
        # two who look the same one must find the other. No key refuses that: old names may look alike.
        yield statements.SHOP, _THE_SHOP
    if need.first_admin:
        work.users.has_admin = bool((yield statements.ANY_ADMIN, _THE_SHOP))
    # Addresses first: whoever another till has just registered is then told of by name, never by the other.
    if need.emails:
        work.users.emails = {email for (email,) in (yield statements.EMAILS, _texts(need.emails))}
    if need.usernames:
        work.users.usernames = {name for (name,) in (yield statements.USERNAMES, _texts(need.usernames))}
    skeletons = work.users.skeletons
    for skeleton, user_id in (yield statements.SKELETONS, _texts(need.skeletons)) if need.skeletons else ():
        skeletons[skeleton] = skeletons.get(skeleton, frozenset()) | {user_id}


def tabs(work: WorkingSet, need: ReadSet) -> Script:
    """What tabs may owe, and for which orders they do. Read after the tabs are locked."""
    if need.tabs:
        grants = work.accounts.tab_grants
        for user_id, limit_cents, approved in (yield statements.TAB_GRANTS, ids(need.tabs)):
            grants[user_id] = Grant(limit_cents, bool(approved))
        if any(not grants[one].is_given for one in need.charged_tabs & grants.keys()):
            # Locked before adding up: two strangers at two tills must not both find room for the last cent.
            yield statements.SHOP, _THE_SHOP
            ((cents,),) = yield statements.TAB_EXPOSURE, ids(need.tabs)
            work.accounts.others_exposure_cents = int(cents)
    # Of a tab that owes nothing every order is paid.
    owing = [one for one in sorted(need.tab_orders.items()) if work.accounts.owed_cents(wallet_of(one[0]))]
    if owing:
        on_tabs = work.orders.on_tabs
        for buyer_id, order_id, left_cents in (yield statements.TAB_ORDERS, owing):
            on_tabs.setdefault(wallet_of(buyer_id), {})[order_id] = left_cents


def daily_limits(work: WorkingSet, need: ReadSet) -> Script:
    """What counts towards limits by the day. Read after the wallets or tabs are locked, which make it wait
    for whoever else is at the same."""
    since_us = work.now_us - DAY_SECONDS * MICROSECONDS
    if need.refunders:
        refunded_us = work.orders.refunded_us
        for owner, read in statements.RECENT_REFUNDS.items():
            refunders = {getattr(ref, owner): ref for ref in need.refunders}
            refunders.pop(None, None)
            for owner_id, created_us in (
                (yield read, [(one, since_us) for one in sorted(refunders)]) if refunders else ()
            ):
                ref = refunders[owner_id]
                refunded_us[ref] = (*refunded_us.get(ref, ()), created_us)
    if need.depositors:
        deposited = work.accounts.deposited
        for user_id, created_us, amount_cents in (
            yield statements.RECENT_DEPOSITS, [(one, since_us) for one in sorted(need.depositors)]
        ):
            deposited[user_id] = (*deposited.get(user_id, ()), Deposited(created_us, amount_cents))
    if need.external_refs:
        for kind, ref_key, transfer_id in (yield statements.EXTERNAL_REFS, sorted(need.external_refs)):
            work.accounts.external_refs[kind, ref_key] = transfer_id


def counters(work: WorkingSet, need: ReadSet) -> Script:
    """Counters that limit, locked. Of two who begin one at once, the key refuses one."""
    asked = {(one.name, one.starts_us(work.now_us)): one for one in need.limits}
    for *ref, count in (yield statements.LIMIT_COUNTERS, sorted(asked)):
        counter = asked[ref[0], ref[1]]
        work.limits.used[counter] = count
        work.limits.stored.add(counter)


def orders(work: WorkingSet, need: ReadSet, order_ids: set[int]) -> Script:
    """Orders to change. Nobody else changes them: what paid for them is locked.

    Raises:
        Contended: an old order has lost its buyer since the look at what it touches.
    """
    headers = [OrderRow._make(row) for row in (yield statements.ORDERS, ids(order_ids))]
    for header in headers:
        if AccountRef(AccountKind.WALLET, header.buyer_id, header.guest_id) not in need.wallets:
            raise Contended("an order has another buyer now")
    lines: dict[int, list[Line]] = {header.id: [] for header in headers}
    for order_id, *line in (yield statements.ORDER_LINES, ids(order_ids)):
        lines[order_id].append(_line(line))
    for header in headers:
        work.orders.by_id[header.id] = header.order(lines[header.id])
    work.orders.as_loaded = dict(work.orders.by_id)


def products(work: WorkingSet, need: ReadSet) -> Script:
    """Products, shelves and names."""
    if need.changing_products:
        yield statements.CHANGING, ids(need.changing_products)
        need.products |= need.changing_products
        need.shelves.update((yield statements.ALL_SHELVES, ids(need.changing_products)))
    if need.named_products:
        yield from _named_products(need)
    if need.planograms:
        # Locked before looking: of two who plan one machine, one must find the shelves that the other made.
        yield statements.PLANNED, ids(need.planograms)
        need.shelves.update((yield statements.SHELVES_OF, ids(need.planograms)))
    if need.shelves:
        for row in (yield statements.SHELVES, sorted(need.shelves)):
            shelf = Shelf._make(row)
            work.products.shelves[shelf.machine_id, shelf.product_id] = shelf
    # Read after the shelves are locked: a plan made meanwhile must be seen.
    for machine_id, *row in (yield statements.PLANS, ids(need.planograms)) if need.planograms else ():
        plan = ShelfPlan(*row)
        work.products.plans[machine_id, plan.product_id] = plan
    if need.products:
        # Read after the shelves are locked: a product taken off sale meanwhile must be seen so.
        for *row, seller in (yield statements.PRODUCTS, ids(need.products)):
            product = _product(row)
            if not _is_locked_with_its_seller(product, need):
                continue
            work.products.by_id[product.id] = product
            if product.seller_id is not None:
                work.products.sellers[product.seller_id] = seller
    if need.closing_users:
        # After the shelves are locked: what was sold from them shows in the earnings.
        work.accounts.closing_earnings = dict((yield statements.EARNED, ids(need.closing_users)))
    yield from _taken(work, need)


def _is_locked_with_its_seller(product: Product, need: ReadSet) -> bool:
    """Not one made after the look at its seller, who is not locked: it stays unknown, as it was then."""
    return product.id not in need.stocking or product.seller_id in {None, *need.quotas}


def machines(work: WorkingSet, need: ReadSet) -> Script:
    """Coin boxes, with their coins where those count."""
    kinds = {}
    for machine_id, kind, coin_input, fulfil, *cents in (yield statements.MACHINES, ids(need.machines)):
        kinds[machine_id] = BoxKind(kind)
        work.machines.rules[machine_id] = MachineRules(CoinInput(coin_input), FulfilMode(fulfil), *cents)
    if need.placing:
        yield from _placed_pieces(work, need)
    counted = [
        machine_id
        for machine_id, kind in kinds.items()
        if kind is BoxKind.COUNTED or machine_id in need.counted_machines
    ]
    held: dict[int, dict[int, int]] = {machine_id: {} for machine_id in kinds}
    for machine_id, value, count in (yield statements.COIN_BOXES, ids(counted)) if counted else ():
        held[machine_id][value] = count
    if need.counted_machines:
        # After the boxes are locked: whoever declares coins adds them to the box as well.
        work.machines.declared = dict((yield statements.DECLARED, ids(need.counted_machines)))
    paying = {ref for ref, machine_id in need.coin_flows if kinds.get(machine_id) is BoxKind.COUNTED}
    for column, read in statements.COIN_FLOWS.items():
        owners = {getattr(ref, column): ref for ref in paying}
        owners.pop(None, None)
        believed = int(need.policy.coins == CoinsPolicy.SELF)
        asked = [(one, believed) for one in sorted(owners)]
        for owner_id, *flow in (yield read, asked) if asked else ():
            flows = work.accounts.coin_flows
            flows[owners[owner_id]] = (*flows.get(owners[owner_id], ()), CoinFlow(*flow))
    work.machines.boxes = {
        machine_id: CoinBox(machine_id, kind, held[machine_id]) for machine_id, kind in kinds.items()
    }


def _placed_pieces(work: WorkingSet, need: ReadSet) -> Script:
    """Of those who may order for later, at machines where that is so. Their wallets are locked."""
    rules = work.machines.rules
    wallets = {
        wallet
        for wallet, machine_id in need.placing
        if machine_id in rules and rules[machine_id].fulfil is not FulfilMode.NOW
    }
    for owner, read in statements.PLACED_PIECES.items():
        known = {getattr(wallet, owner): wallet for wallet in wallets}
        known.pop(None, None)
        for owner_id, pieces in (yield read, ids(known)) if known else ():
            work.orders.placed_pieces[known[owner_id]] = int(pieces)


def _only_staff(work: WorkingSet, need: ReadSet) -> Script:
    """Asked of admins alone: cashiers have one above them."""
    actors = (one.actor for one in work.users.sessions.values() if one.actor.has(Role.ADMIN))
    admins = {one.user_id for one in actors if one.user_id is not None} & need.own_affairs
    if admins:
        work.users.only_staff = admins - {one for (one,) in (yield statements.HAVE_COLLEAGUES, ids(admins))}


def _named_users(work: WorkingSet, need: ReadSet) -> Script:
    for user_id, is_buyer in (yield statements.USERS, ids(need.users)):
        work.users.open.add(user_id)
        if is_buyer:
            work.users.buyers.add(user_id)
    work.users.closed |= need.users - work.users.open
    if need.present:
        asked = [(*one, work.now_us) for one in sorted(need.present)]
        work.users.present = {
            (user_id, machine_id) for user_id, machine_id in (yield statements.PRESENT, asked)
        }


def _locked_users(work: WorkingSet, need: ReadSet) -> Script:
    locked, closing = need.locked_users | need.closing_users, ids(need.closing_users)
    if closing:
        # All admins, in one order with the rest: of two who close each other, one must find the other gone.
        locked |= {admin_id for (admin_id,) in (yield statements.ADMINS, closing)}
    for user_id, username, email, state, *flags in (yield statements.HELD, ids(locked)):
        work.users.snapshots[user_id] = UserSnapshot(
            username=username, email=email, state=UserState(state), roles=_roles(*map(bool, flags))
        )
    if closing:
        yield from closing_users.log_ins(work, closing)
        need.changing_products.update(one for (one,) in (yield statements.PRODUCTS_OF, closing))


def _payees(work: WorkingSet, need: ReadSet) -> Script:
    """Sellers are locked instead of their earnings, which every sale adds to: one pay-out at a time.

    What is added to or taken from the earnings after this look might as well have come after the pay-out.
    """
    now_us, policy = work.now_us, need.policy
    returnable_us = now_us - policy.refund_window_seconds * MICROSECONDS
    young_us: dict[int, int | None] = {}
    for seller_id, delay_days in (yield statements.PAYEES, ids(need.payees | need.sellers_back)):
        # What is too young to be paid may be taken back all the same.
        young_us[seller_id] = (
            payables.young_since_us(
                delay_days=delay_days, shop_delay_days=policy.payout_delay_days, now_us=now_us
            )
            if seller_id in need.payees
            else None
        )
    if not young_us:
        return
    back_us = statements.CLOCK_SECONDS_BACK_MAX * MICROSECONDS
    instants = {returnable_us, *young_us.values()} - {None}
    older = dict((yield statements.OLDER, [(one, one - back_us) for one in sorted(filter(None, instants))]))
    lines: dict[int, dict[int, Line]] = {}
    headers = {}
    width = len(OrderRow._fields)
    asked = [
        (one, returnable_us, older[returnable_us], since_us or _ID_MAX, older.get(since_us, _ID_MAX))
        for one, since_us in sorted(young_us.items())
    ]
    for seller_id, cents, young_cents, *sale in (yield statements.EARNINGS, asked):
        work.accounts.payees[seller_id] = Payee(cents, young_us[seller_id], young_cents)
        order_id, *_ = sale
        if order_id is None:
            continue
        header, (owed_cents, *line) = OrderRow._make(sale[:width]), sale[width:]
        headers[header.id] = header
        if owed_cents is not None and header.buyer_id is not None:
            work.orders.held_back_owed_cents[header.buyer_id] = owed_cents
        # Once for every seller to be paid.
        sold = _line(line)
        lines.setdefault(header.id, {})[sold.product_id] = sold
    for order_id, header in headers.items():
        work.orders.held_back[order_id] = header.order(lines[order_id].values())


def _client_refs(work: WorkingSet, need: ReadSet) -> Script:
    for owner, read in statements.CLIENT_REFS.items():
        refs = {(getattr(wallet, owner), ref): wallet for wallet, ref in need.client_refs}
        keys = [key for key in refs if key[0] is not None]
        for owner_id, client_ref, order_id in (yield read, keys) if keys else ():
            work.orders.client_refs[refs[owner_id, client_ref], client_ref] = order_id


def _taken(work: WorkingSet, need: ReadSet) -> Script:
    """Which products bear the names and barcodes."""
    if need.product_names:
        # Read after the locks: who bears a name by now. Where it is another than was looked for above, the
        # name was given away meanwhile, and nobody bears it who is loaded.
        work.products.names = dict((yield statements.NAMES, [(name,) for name in need.product_names]))
    for skeleton, *looked in (yield statements.LOOKS, _texts(need.looks)) if need.looks else ():
        looks = work.products.looks
        looks[skeleton] = looks.get(skeleton, frozenset()) | {(looked[0], looked[1])}
    if need.barcodes:
        for seller_id, barcode, product_id in (yield statements.BARCODES, _texts(need.barcodes)):
            work.products.barcodes[seller_id, barcode] = product_id


def _named_products(need: ReadSet) -> Script:
    """Who bears the names of what is to be bought is needed; looked at again once it is locked."""
    named = dict((yield statements.NAMES, _texts({key for _, key in need.named_products})))
    for machine_id, key in need.named_products:
        if key in named:
            need.products.add(named[key])
            need.shelf(machine_id, named[key])


def _texts(texts: Iterable[str]) -> list[tuple[str]]:
    return [(one,) for one in sorted(texts)]


def _session(
    policy: Policy,
    user_id: int,
    username: str,
    expires_us: int,
    ended_us: int | None,
    state: str,
    scopes: str | None,
    second_factor_us: int | None,
    *flags: bool,
) -> Session:
    roles = _roles(*map(bool, flags))
    actor = Actor(user_id, roles if scopes is None else roles_within(roles, read_scopes(scopes)))
    if policy.staff_second_factor:
        actor = with_second_factor(actor, has_one=second_factor_us is not None, is_required=True)
    return Session(
        actor=actor,
        username=username,
        expires_us=expires_us,
        ended=ended_us is not None or state != UserState.ACTIVE.value,
    )


@cache
def _roles(*flags: bool) -> frozenset[Role]:
    return frozenset(role for role, held in zip(Role, flags, strict=True) if held)


def _reader(kind: type[T]) -> Callable[[list[Any]], T]:
    """Makes a named tuple of a row with its fields. SQLite has flags as numbers."""
    fields: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    hints = get_type_hints(kind)
    flags = tuple(place for place, name in enumerate(fields) if hints[name] is bool)
    make: Callable[[list[Any]], T] = kind._make  # type: ignore[attr-defined]

    def read(row: list[Any]) -> T:
        for place in flags:
            row[place] = bool(row[place])
        return make(row)

    return read


_line = _reader(Line)
_product = _reader(Product)
