"""What each command asks to be loaded and locked: no less, and nothing that others would wait for in vain."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from tuckshop.domain.ledger import AccountKind, AccountRef, TransferKind, wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.money import EURO
from tuckshop.domain.orders import Payment
from tuckshop.domain.users import Role, UserState
from tuckshop.till.callers import OPERATOR, GuestCaller, MachineCaller, SessionCaller
from tuckshop.till.commands.approvals import ApproveProduct
from tuckshop.till.commands.base import COMMANDS, Command
from tuckshop.till.commands.imports import ChangeProducts, ImportedProduct, UndoProducts
from tuckshop.till.commands.machines import CollectCoins, CountCoins, FillCoins, MoveStock, SetShelves
from tuckshop.till.commands.orders import CancelOrder, Dispense, PlaceOrder, ReduceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, RemoveProduct, Restock
from tuckshop.till.commands.refunds import Refund, RefundNewest
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import CloseWallet, PaySeller, ReverseTransfer, SendMoney, TopUp
from tuckshop.till.commands.users import CloseUser, NewUser, Register
from tuckshop.till.commands.wallet import Deposit, PayOut
from tuckshop.till.policy import Policy
from tuckshop.till.state.read_set import ReadSet

ADA, BOB, HALL, COLA, TEA, ORDER = 3, 4, 2, 11, 12, 21
CALLER = SessionCaller(1, ADA)
WALLET, GUEST = wallet_of(ADA), AccountRef(AccountKind.WALLET, guest_id=5)
MACHINE = MachineCaller(HALL, b"")
UNDONE = {"orders": {ORDER: 1}, "new_ids": {"transfers": 2, "refunds": 1}}
ASKING = {"own_affairs": {ADA}}
BOX = {"machines": {HALL}, "counted_machines": {HALL}}

ASKED: list[tuple[Command, dict[str, Any]]] = [
    (
        PlaceOrder(CALLER, WALLET, ((COLA, 2), (TEA, 1)), client_ref="r", machine_id=HALL),
        {
            "wallets": {WALLET},
            "machines": {HALL},
            "products": {COLA, TEA},
            "shelves": {(HALL, COLA), (HALL, TEA)},
            "client_refs": {(WALLET, "r")},
            "placing": {(WALLET, HALL)},
            "new_ids": {"orders": 1, "transfers": 3},
        },
    ),
    (
        PlaceOrder(
            OPERATOR, WALLET, (), payment=Payment.TAB, machine_id=HALL, named=(("Cola", 1), ("a/b", 1))
        ),
        {
            "wallets": {WALLET},
            "users": {ADA},
            "tabs": {ADA},
            "machines": {HALL},
            "product_names": {"cola"},
            "named_products": {(HALL, "cola")},
            "new_ids": {"orders": 1, "transfers": 3},
        },
    ),
    (
        PlaceOrder(MACHINE, GUEST, (), payment=Payment.TAB, machine_id=HALL),
        {
            "wallets": {GUEST},
            "guests": {5},
            "machines": {HALL},
            "new_ids": {"orders": 1, "transfers": 1},
        },
    ),
    (Dispense(CALLER, ORDER), UNDONE | ASKING),
    (CancelOrder(CALLER, ORDER), UNDONE | ASKING | {"refunders": {WALLET}}),
    (CancelOrder(OPERATOR, ORDER), UNDONE),
    (ReduceOrder(CALLER, ORDER, {}), UNDONE | ASKING | {"refunders": {WALLET}}),
    (Refund(CALLER, ORDER), UNDONE | ASKING | {"refunders": {WALLET}, "takers_back": {(ORDER, ADA)}}),
    (Refund(OPERATOR, ORDER), UNDONE),
    (
        RefundNewest(MACHINE, GUEST, COLA, HALL),
        {
            "wallets": {GUEST},
            "guests": {5},
            "machines": {HALL},
            "newest_orders": {(5, HALL, COLA): 1},
            "new_ids": {"transfers": 2, "refunds": 1},
        },
    ),
    (
        RefundNewest(OPERATOR, WALLET, COLA, HALL),
        {
            "wallets": {WALLET},
            "users": {ADA},
            "machines": {HALL},
            "new_ids": {"transfers": 2, "refunds": 1},
        },
    ),
    (
        Deposit(CALLER, WALLET, {}, HALL),
        {
            "wallets": {WALLET},
            "machines": {HALL},
            "depositors": {ADA},
            "own_affairs": {ADA},
            "new_ids": {"transfers": 1},
        },
    ),
    (
        Deposit(SessionCaller(2, BOB), WALLET, {}, HALL),
        {"wallets": {WALLET}, "users": {ADA}, "machines": {HALL}, "new_ids": {"transfers": 1}},
    ),
    (
        Deposit(GuestCaller(5), GUEST, {}, HALL),
        {"wallets": {GUEST}, "guests": {5}, "machines": {HALL}, "new_ids": {"transfers": 1}},
    ),
    (
        PayOut(CALLER, WALLET, HALL),
        {"wallets": {WALLET}, "machines": {HALL}, "own_affairs": {ADA}, "new_ids": {"transfers": 1}},
    ),
    (
        SendMoney(CALLER, WALLET, wallet_of(BOB), 1),
        {"wallets": {WALLET, wallet_of(BOB)}, "users": {BOB}, "new_ids": {"transfers": 1}},
    ),
    (SendMoney(CALLER, WALLET, GUEST, 1), {"wallets": {WALLET, GUEST}, "new_ids": {"transfers": 1}}),
    (
        TopUp(OPERATOR, WALLET, 1, "r"),
        {
            "wallets": {WALLET},
            "users": {ADA},
            "external_refs": {(TransferKind.TOPUP.value, "r")},
            "new_ids": {"transfers": 1},
        },
    ),
    (
        PaySeller(OPERATOR, ADA, "r"),
        {
            "payees": {ADA},
            "coverage": True,
            "external_refs": {(TransferKind.EARNINGS_PAYOUT.value, "r")},
            "new_ids": {"transfers": 1},
        },
    ),
    (
        ReverseTransfer(CALLER, 7, "typed twice"),
        ASKING | {"reversing": {7}, "new_ids": {"transfers": 3}},
    ),
    (CloseWallet(CALLER, WALLET), {"wallets": {WALLET}, "new_ids": {"transfers": 1}}),
    (
        SettleTab(OPERATOR, ADA, coins={}, machine_id=HALL),
        {
            "wallets": {WALLET},
            "tabs": {ADA},
            "users": {ADA},
            "machines": {HALL},
            "new_ids": {"transfers": 2},
        },
    ),
    (
        SettleTab(OPERATOR, ADA, external_ref="r", machine_id=HALL),
        {
            "wallets": {WALLET},
            "tabs": {ADA},
            "users": {ADA},
            "machines": {HALL},
            "external_refs": {(TransferKind.SETTLEMENT.value, "r")},
            "new_ids": {"transfers": 2},
        },
    ),
    (FillCoins(OPERATOR, HALL, {}), BOX | {"new_ids": {"transfers": 1}}),
    (CollectCoins(OPERATOR, HALL, {}), BOX | {"new_ids": {"transfers": 1}}),
    (CountCoins(OPERATOR, HALL, {}), BOX | {"new_ids": {"transfers": 2}}),
    (
        MoveStock(OPERATOR, 1, HALL, COLA, 1),
        {"changing_products": {COLA}, "stocking": {COLA}, "machines": {1, HALL}},
    ),
    (
        SetShelves(OPERATOR, HALL, (ShelfPlan(COLA), ShelfPlan(TEA))),
        {"machines": {HALL}, "changing_products": {COLA, TEA}, "planograms": {HALL}},
    ),
    (
        AddProduct(CALLER, "Cola", 1, 0, barcode=" 4006 ", image_id=7, machine_id=HALL),
        {
            "product_names": {"cola"},
            "looks": {"cola"},
            "barcodes": {"4006"},
            "machines": {HALL},
            "locked_users": {ADA},
            "quotas": {ADA},
            "images": {7},
            "new_ids": {"products": 1},
        },
    ),
    (
        AddProduct(CALLER, "a/b", 1, 0, barcode="1", machine_id=HALL, seller_id=BOB),
        {"machines": {HALL}, "sellers": {BOB}, "quotas": {BOB}, "new_ids": {"products": 1}},
    ),
    (
        AddProduct(OPERATOR, "Cola", 1, 0, machine_id=HALL),
        {"product_names": {"cola"}, "looks": {"cola"}, "machines": {HALL}, "new_ids": {"products": 1}},
    ),
    (
        ChangeProduct(CALLER, COLA, name="Tea", barcode="4006", machine_id=HALL),
        {
            "changing_products": {COLA},
            "machines": {HALL},
            "product_names": {"tea"},
            "looks": {"tea"},
            "barcodes": {"4006"},
        },
    ),
    (ChangeProduct(CALLER, COLA, machine_id=HALL), {"changing_products": {COLA}, "machines": {HALL}}),
    (
        ChangeProduct(CALLER, COLA, machine_id=HALL, stock=0),
        {"changing_products": {COLA}, "stocking": {COLA}, "machines": {HALL}},
    ),
    (
        ChangeProduct(CALLER, COLA, machine_id=HALL, image_id=7),
        {"changing_products": {COLA}, "stocking": {COLA}, "images": {7}, "machines": {HALL}},
    ),
    (
        ChangeProducts(CALLER, (ChangeProduct(CALLER, COLA), ChangeProduct(CALLER, TEA))),
        {"changing_products": {COLA, TEA}, "machines": {1}},
    ),
    (
        UndoProducts(
            CALLER,
            (
                ImportedProduct(COLA, 2, HALL, 3, 5, {"name": "Tea", "barcode": "4006", "category": None}),
                ImportedProduct(TEA, 1, HALL, 0, 7),
            ),
        ),
        {
            "changing_products": {COLA, TEA},
            "stocking": {COLA},
            "machines": {HALL},
            "product_names": {"tea"},
            "looks": {"tea"},
            "barcodes": {"4006"},
        },
    ),
    (
        Restock(CALLER, COLA, 1, machine_id=HALL),
        {"changing_products": {COLA}, "stocking": {COLA}, "machines": {HALL}},
    ),
    (RemoveProduct(CALLER, COLA), {"changing_products": {COLA}}),
    (ApproveProduct(CALLER, COLA), {"changing_products": {COLA}}),
    (
        Register(
            OPERATOR,
            NewUser("Ida", "Ida@example.org", "!", frozenset({Role.BUYER}), UserState.ACTIVE),
            {5: 1},
            HALL,
            only_first=True,
        ),
        {
            "machines": {HALL},
            "first_admin": True,
            "usernames": {"ida"},
            "skeletons": {"lda"},
            "emails": {"ida@example.org"},
            "new_ids": {"users": 1, "transfers": 1},
        },
    ),
    (
        Register(OPERATOR, NewUser("Ida", None, "!", frozenset({Role.BUYER}), UserState.ACTIVE)),
        {"usernames": {"ida"}, "skeletons": {"lda"}, "new_ids": {"users": 1}},
    ),
    (
        CloseUser(CALLER, ADA),
        {"closing_users": {ADA}, "wallets": {WALLET}, "tabs": {ADA}, "new_ids": {"transfers": 1}},
    ),
]


@pytest.mark.parametrize(("command", "asked"), ASKED, ids=[type(one).__name__ for one, _ in ASKED])
def test_each_command_asks_for_what_it_needs(command: Command, asked: dict[str, Any]) -> None:
    need = ReadSet(policy=Policy(currency=EURO))
    command.reads(need)
    need.new_ids = {name: count for name, count in need.new_ids.items() if count}
    told = {one.name: getattr(need, one.name) for one in fields(need) if one.name != "policy"}
    assert {name: value for name, value in told.items() if value} == asked


def test_there_is_a_row_for_every_command() -> None:
    assert {type(command) for command, _ in ASKED} == set(COMMANDS.values())
