"""Answers outlive the code: what any release has kept is read, or said by name to be unreadable."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.shop import Shop
from tuckshop.domain.field_problems import StoredReason
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.refusals import InvalidField, OutOfStock, RecordUnreadable, leaves
from tuckshop.store.forms import Form, form_of
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.products import ProductRemoved
from tuckshop.till.commands.tabs import TabSettled
from tuckshop.till.state import forms


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The forms, to which a test may add."""
    monkeypatch.setattr(forms, "_kinds", dict(forms._kinds))
    monkeypatch.setattr(forms, "_readers", dict(forms._readers))


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("order.placed/1", Form("order.placed", 1)),
        ("refusal.out-of-stock/12", Form("refusal.out-of-stock", 12)),
        ("OrderPlaced", Form("order.placed", 1)),  # as releases before revision 0012 called it
        ("GoodsChanged", Form("products.changed", 1)),
        ("OutOfStock", Form("refusal.out-of-stock", 1)),
        ("order.placed", Form("order.placed", 0)),
        ("order.placed/0", Form("order.placed/0", 0)),
        ("order.placed/01", Form("order.placed/01", 0)),
        ("", Form("", 0)),
        ("../1", Form("../1", 0)),
    ],
)
def test_a_kind_tells_the_form(kind: str, form: Form) -> None:
    assert form_of(kind) == form


def test_fields_that_are_not_known_are_left_out() -> None:
    assert forms.read("product.removed/1", '{"product_id":7,"colour":"red"}') == ProductRemoved(7)
    refused = forms.read("refusal.out-of-stock/1", '{"product":7,"available":0,"colour":"red"}')
    assert refused == OutOfStock(7, 0)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("product.removed/2", '{"product_id":7}'),
        ("product.removed/0", '{"product_id":7}'),
        ("product.melted/1", '{"product_id":7}'),
        ("Nonsense", "{}"),
        ("product.removed/1", "{}"),
        ("product.removed/1", '{"product_id":"seven"}'),
        ("product.removed/1", "[7]"),
        ("product.removed/1", "{"),
        ("order.placed/1", '{"status":"teleported"}'),
        ("refusal.out-of-stock/1", "{}"),
        ("refusal.out-of-stock/1", "7"),
        ("refusal.out-of-stock/2", '{"product":7,"available":0}'),
        ("refusal.not-in-the-mood/1", "{}"),
        ("refusal.invalid-field/2", '{"field":"name","code":"too-blue","facts":{}}'),
        ("refusal.invalid-field/2", '{"field":"name","code":"too-small","facts":{}}'),
        ("refusal.invalid-field/2", '{"field":"name","code":"too-small","facts":7}'),
        ("refusal.invalid-field/2", '{"field":"name"}'),
        ("refusal.invalid-field/1", '{"field":"name"}'),
    ],
)
def test_what_cannot_be_read_is_called_by_its_name(kind: str, outcome: str) -> None:
    with pytest.raises(forms.Unreadable) as unreadable:
        forms.read(kind, outcome)
    assert unreadable.value.form == form_of(kind)


@pytest.mark.parametrize("kind", ["InvalidField", "refusal.invalid-field/1"])
def test_a_sentence_that_was_stored_for_a_field_is_kept_as_it_was(kind: str) -> None:
    refused = forms.read(kind, '{"field":"name","reason":"must have 1 to 100 characters"}')
    assert refused == InvalidField("name", StoredReason("must have 1 to 100 characters"))


@pytest.mark.usefixtures("registry")
def test_older_versions_are_brought_up_one_by_one() -> None:
    def named_item(facts: forms.Facts) -> forms.Facts:
        return {"item": facts["product"]}

    def with_colour(facts: forms.Facts) -> forms.Facts:
        return {**facts, "colour": "none"}

    @forms.receipt("item.painted", version=3, upgrades=(named_item, with_colour))
    class Painted(msgspec.Struct, frozen=True):
        item: int
        colour: str
        shade: str = "plain"

    assert forms.written(Painted(7, "red", "dark")) == (
        "item.painted/3",
        '{"item":7,"colour":"red","shade":"dark"}',
    )
    assert forms.read("item.painted/3", '{"item":7,"colour":"red"}') == Painted(7, "red")
    assert forms.read("item.painted/2", '{"item":7}') == Painted(7, "none")
    assert forms.read("item.painted/1", '{"product":7}') == Painted(7, "none")
    with pytest.raises(forms.Unreadable):
        forms.read("item.painted/1", "{}")


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("tag", "version", "wrong"),
    [("order.placed", 1, "another form's"), ("Order Placed", 1, "no tag"), ("item.painted", 2, "upgrade")],
)
def test_a_form_that_could_not_be_told_apart_is_not_declared(tag: str, version: int, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        forms.receipt(tag, version=version)(type("Painted", (msgspec.Struct,), {}))


def test_no_two_refusals_share_a_code() -> None:
    assert len({leaf.code for leaf in leaves()}) == len(leaves())
    assert all(leaf.code for leaf in leaves())


UNKNOWN = [
    ("order.placed/2", None, ("order.placed", 2)),
    ("order.teleported/1", None, ("order.teleported", 1)),
    ("order.placed/1", '{"order_id":7}', ("order.placed", 1)),
    ("Teleported", None, ("refusal.teleported", 1)),
    ("?", "?", ("?", 0)),
    ("product.removed/1", '{"product_id":7}', ("product.removed", 1)),  # no order's answer
]


@pytest.mark.parametrize(("kind", "outcome", "form"), UNKNOWN)
async def test_a_replay_that_cannot_be_read_says_what_is_known_and_does_nothing(
    shop: Shop, kind: str, outcome: str | None, form: tuple[str, int]
) -> None:
    ada = await shop.buyer(cents=500)
    cola = await shop.product()
    order = PlaceOrder(ada, wallet_of(ada.user_id), ((cola.product_id, 1),))
    first = await shop.do(order, key="k")
    assert isinstance(first, OrderPlaced)
    await shop.execute(
        "UPDATE idempotency SET kind = :kind, outcome = coalesce(:outcome, outcome)",
        kind=kind,
        outcome=outcome,
    )
    before = await shop.books()
    shop.clock.forward(3600)
    with capture_logs() as logs:
        again = await ask_again(shop, order)
    assert again == Outcome(
        RecordUnreadable(
            key="k",
            form=form[0],
            form_version=form[1],
            recorded_at="2025-10-09T08:53:20Z",
            order=first.order_id,
            refund=None,
            transfer=None,
        )
    )
    assert await shop.books() == before
    (line,) = [one for one in logs if one["event"] == "idempotency.unreadable"]
    assert (line["form"], line["version"]) == form


async def test_what_an_old_process_kept_meanwhile_is_replayed(shop: Shop) -> None:
    ada = await shop.buyer(cents=200)
    cola = await shop.product()
    order = PlaceOrder(ada, wallet_of(ada.user_id), ((cola.product_id, 1),))
    first = await shop.do(order, key="k")
    await shop.execute("UPDATE idempotency SET kind = 'OrderPlaced'")
    assert await ask_again(shop, order) == Outcome(first, replayed=True)
    await shop.execute(
        "UPDATE idempotency SET kind = 'InsufficientFunds', outcome = :outcome",
        outcome=json.dumps({"needed_cents": 150, "balance_cents": 0}),
    )
    assert (await ask_again(shop, order)).answer.facts() == {"needed_cents": 150, "balance_cents": 0}  # type: ignore[union-attr]


async def ask_again(shop: Shop, command: Any) -> Outcome:
    return await shop.till.execute(Envelope(command, "k", repr(command).encode()))


def test_a_receipt_is_compact() -> None:
    kind, outcome = forms.written(TabSettled(1, 2, 3, 4, 5))
    assert (kind, outcome) == (
        "tab.settled/1",
        '{"transfer_id":1,"amount_cents":2,"owed_cents":3,"balance_cents":4,"created_us":5}',
    )
