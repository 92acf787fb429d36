"""Taking back what was booked by mistake: once, by staff, with a reason, to the cent and to the coin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.shop import Shop
from tests.till.reading import Posted, balances, coin_box, post, refuse
from tests.till.test_two_tills import both, kinds, second_till
from tuckshop.domain.field_problems import WrongLength
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.orders import Payment
from tuckshop.domain.refusals import (
    AlreadyReversed,
    BalanceTooLarge,
    CoinsMissing,
    InvalidField,
    KeyReused,
    NotReversible,
    ReversalNotCovered,
    RoleMissing,
    SelfService,
    UnknownTransfer,
    UnknownUser,
)
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR, Caller, SessionCaller
from tuckshop.till.commands.base import Envelope, Receipt
from tuckshop.till.commands.machines import CollectCoins, CountCoins
from tuckshop.till.commands.orders import PlaceOrder
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import (
    CloseWallet,
    PaySeller,
    ReverseTransfer,
    SendMoney,
    TopUp,
    TransferReversed,
)
from tuckshop.till.commands.users import CloseUser
from tuckshop.till.commands.wallet import Deposit, PayOut


def wallet(caller: SessionCaller) -> AccountRef:
    return wallet_of(caller.user_id)


def number(posted: Posted | Receipt) -> int:
    """The transfer's."""
    receipt: Any = posted.receipt if isinstance(posted, Posted) else posted
    transfer_id: int = receipt.transfer_id
    return transfer_id


def back(posted: Posted | Receipt, caller: Caller = OPERATOR, *, owe: bool = False) -> ReverseTransfer:
    return ReverseTransfer(caller, number(posted), "typed wrong", owe=owe)


async def reversed_(shop: Shop, command: ReverseTransfer) -> TransferReversed:
    receipt = await shop.do(command)
    assert isinstance(receipt, TransferReversed)
    return receipt


async def indebted(shop: Shop, *, cents: int = 0) -> SessionCaller:
    """Ada, who may owe, and owes 3.00 for two cola."""
    ada = await shop.buyer("ada", cents=cents)
    await shop.execute("UPDATE users SET tab_limit_cents = 500 WHERE username = 'ada'")
    cola = await shop.product()
    await shop.do(PlaceOrder(ada, wallet(ada), ((cola.product_id, 2),), payment=Payment.TAB))
    return ada


class TestDeposits:
    async def test_the_same_coins_leave_the_box(self, shop: Shop) -> None:
        ada, cas = await shop.buyer("ada", cents=20), await shop.person("cas", Role.CASHIER)
        wrong = await shop.do(Deposit(cas, wallet(ada), {100: 2, 50: 1}))
        posted = await post(shop, back(wrong, cas))
        assert posted.transfers == [("reversal", "ada's wallet", "coin box", 250)]
        assert sorted(posted.coins) == [(50, -1), (100, -2)]
        receipt = posted.receipt
        assert isinstance(receipt, TransferReversed)
        assert (receipt.reverses_id, receipt.kind, receipt.amount_cents) == (number(wrong), "deposit", 250)
        assert (receipt.balance_cents, receipt.owed_cents, receipt.charged_cents) == (20, 0, 0)
        assert receipt.coins == {100: -2, 50: -1}
        assert await coin_box(shop) == {20: 1}
        (row,) = [one for one in await shop.rows("transfers") if one["reverses_id"]]
        assert (row["reason"], row["actor_id"], row["machine_id"]) == ("typed wrong", cas.user_id, 1)
        await shop.assert_clean()

    async def test_once_and_no_reversal_of_a_reversal(self, shop: Shop) -> None:
        ada = await shop.buyer("ada", cents=500)
        wrong = await shop.do(Deposit(OPERATOR, wallet(ada), {100: 1}))
        receipt = await reversed_(shop, back(wrong))
        again = AlreadyReversed(transfer=number(wrong), reversal=receipt.transfer_id)
        await refuse(shop, back(wrong), again)
        await refuse(shop, back(receipt), NotReversible(transfer=receipt.transfer_id, kind="reversal"))

    async def test_two_in_one_batch_are_one(self, shop: Shop) -> None:
        ada = await shop.buyer("ada", cents=500)
        wrong = await shop.do(Deposit(OPERATOR, wallet(ada), {100: 1}))
        outcomes = await shop.till.execute_together([Envelope(back(wrong)), Envelope(back(wrong))])
        assert [type(one.answer) for one in outcomes] == [TransferReversed, AlreadyReversed]
        await shop.assert_clean()

    async def test_two_at_two_tills_are_one(self, shop: Shop) -> None:
        ada = await shop.buyer("ada", cents=500)
        async with second_till(shop) as other:
            for _ in range(10):
                wrong = await shop.do(Deposit(OPERATOR, wallet(ada), {100: 1}))
                (outcomes,) = await both(shop, other, (Envelope(back(wrong)), Envelope(back(wrong))))
                assert kinds(outcomes) == ["AlreadyReversed", "TransferReversed"]
        assert (await balances(shop))["ada's wallet"] == 500
        await shop.assert_clean()

    async def test_a_counted_box_must_hold_the_coins(self, shop: Shop) -> None:
        ada, hall = await shop.buyer("ada"), await shop.machine()
        wrong = await shop.do(Deposit(OPERATOR, wallet(ada), {100: 2}, hall))
        await shop.do(CollectCoins(OPERATOR, hall, {100: 1}))
        await refuse(shop, back(wrong), CoinsMissing(value_cents=100, available=1))
        await shop.do(CountCoins(OPERATOR, hall, {100: 2, 50: 0, 20: 0, 10: 0, 5: 0}))
        await shop.do(back(wrong))
        await shop.assert_clean()

    async def test_what_is_spent_is_refused_with_figures_or_owed(self, shop: Shop) -> None:
        ada, cola = await shop.buyer("ada"), await shop.product(price_cents=150)
        wrong = await shop.do(Deposit(OPERATOR, wallet(ada), {100: 2}))
        await shop.buy(ada, (cola.product_id, 1))
        await refuse(shop, back(wrong), ReversalNotCovered(needed_cents=200, balance_cents=50))
        posted = await post(shop, back(wrong, owe=True))
        assert posted.transfers == [
            ("charge", "ada's tab", "ada's wallet", 150),
            ("reversal", "ada's wallet", "coin box", 200),
        ]
        assert isinstance(posted.receipt, TransferReversed)
        assert (posted.receipt.charged_cents, posted.receipt.owed_cents) == (150, 150)
        # A debt like any other.
        settled = await post(shop, SettleTab(OPERATOR, ada.user_id, coins={100: 1, 50: 1}))
        assert settled.transfers[1] == ("settlement", "ada's wallet", "ada's tab", 150)
        await shop.assert_clean()

    async def test_guests_have_no_tab(self, shop: Shop) -> None:
        door, cola = await shop.guest("door"), await shop.product(price_cents=150)
        wrong = await shop.do(Deposit(OPERATOR, door, {100: 2}))
        await shop.do(PlaceOrder(OPERATOR, door, ((cola.product_id, 1),)))
        lacking = ReversalNotCovered(needed_cents=200, balance_cents=50)
        await refuse(shop, back(wrong), lacking)
        await refuse(shop, back(wrong, owe=True), lacking)
        await shop.do(Deposit(OPERATOR, door, {100: 2}))
        receipt = await reversed_(shop, back(wrong))
        assert (receipt.balance_cents, receipt.owed_cents) == (50, None)
        await shop.assert_clean()

    async def test_whoever_is_gone_has_nothing_to_take_back(self, shop: Shop) -> None:
        ada = await shop.buyer("ada")
        wrong = await shop.do(Deposit(OPERATOR, wallet(ada), {100: 2}))
        await shop.do(CloseUser(OPERATOR, ada.user_id))
        await refuse(shop, back(wrong, owe=True), UnknownUser(user=ada.user_id))


class TestTopUpsAndPayouts:
    async def test_a_top_up_goes_back_to_the_bank(self, shop: Shop) -> None:
        ada, root = await shop.buyer("ada"), await shop.person("root", Role.ADMIN)
        wrong = await shop.do(TopUp(root, wallet(ada), 1000, "bank 1"))
        posted = await post(shop, back(wrong, root))
        assert (posted.transfers, posted.coins) == ([("reversal", "ada's wallet", "bank", 1000)], [])
        await shop.assert_clean()

    async def test_coins_that_were_not_paid_out_come_back(self, shop: Shop) -> None:
        ada = await shop.buyer("ada", cents=170)
        wrong = await shop.do(PayOut(OPERATOR, wallet(ada)))
        posted = await post(shop, back(wrong))
        assert posted.transfers == [("reversal", "coin box", "ada's wallet", 170)]
        assert sorted(posted.coins) == [(20, 1), (50, 1), (100, 1)]
        await shop.assert_clean()

    async def test_no_wallet_holds_more_than_any_may(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada = await shop.buyer("ada", cents=170)
        wrong = await shop.do(PayOut(OPERATOR, wallet(ada)))
        await shop.do(TopUp(OPERATOR, wallet(ada), 100, "bank 1"))
        monkeypatch.setattr("tuckshop.domain.transfers.BALANCE_CENTS_MAX", 269)
        await refuse(shop, back(wrong), BalanceTooLarge(balance_cents_max=269))
        monkeypatch.setattr("tuckshop.domain.transfers.BALANCE_CENTS_MAX", 270)
        await shop.do(back(wrong))

    async def test_a_payout_is_the_sellers_again(self, shop: Shop) -> None:
        sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=500)
        cola = await shop.product(price_cents=150, seller=sam)
        await shop.buy(ada, (cola.product_id, 2))
        shop.clock.forward(301)
        wrong = await shop.do(PaySeller(OPERATOR, sam.user_id, "pay 1"))
        posted = await post(shop, back(wrong))
        assert posted.transfers == [("reversal", "bank", "sam's earnings", 300)]
        assert isinstance(posted.receipt, TransferReversed)
        assert (posted.receipt.balance_cents, posted.receipt.owed_cents) == (None, 0)
        assert (await balances(shop))["sam's earnings"] == 300
        await shop.do(PaySeller(OPERATOR, sam.user_id, "pay 2", 300))
        await shop.assert_clean()

    async def test_who_is_closed_gets_no_earnings_back(self, shop: Shop) -> None:
        sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=500)
        cola = await shop.product(price_cents=150, stock=1, seller=sam)
        await shop.buy(ada, (cola.product_id, 1))
        shop.clock.forward(301)
        wrong = await shop.do(PaySeller(OPERATOR, sam.user_id, "pay 1"))
        outcomes = await shop.till.execute_together(
            [Envelope(CloseUser(OPERATOR, sam.user_id)), Envelope(back(wrong))]
        )
        assert outcomes[1].answer == UnknownUser(user=sam.user_id)
        await refuse(shop, back(wrong), UnknownUser(user=sam.user_id))
        await shop.assert_clean()


class TestSettlements:
    async def test_a_bank_settlement_is_owed_again(self, shop: Shop) -> None:
        ada = await indebted(shop)
        wrong = await shop.do(SettleTab(OPERATOR, ada.user_id, amount_cents=200, external_ref="bank 1"))
        posted = await post(shop, back(wrong))
        assert posted.transfers == [("reversal", "ada's tab", "bank", 200)]
        assert isinstance(posted.receipt, TransferReversed)
        assert posted.receipt.owed_cents == 300
        await shop.assert_clean()

    @pytest.mark.parametrize("named", ["deposit", "settlement"])
    async def test_one_in_coins_is_two_transfers(self, shop: Shop, named: str) -> None:
        ada = await indebted(shop, cents=5)
        for _ in range(2):
            await shop.do(SettleTab(OPERATOR, ada.user_id, coins={5: 1}))  # Others before and after it.
        await shop.do(SettleTab(OPERATOR, ada.user_id, coins={100: 3, 50: 1}))
        await shop.do(Deposit(OPERATOR, wallet(ada), {10: 1}))
        rows = [one["id"] for one in await shop.rows("transfers") if one["kind"] == named]
        chosen = rows[-2] if named == "deposit" else rows[-1]
        posted = await post(shop, ReverseTransfer(OPERATOR, chosen, "Bob's coins"))
        assert posted.transfers == [
            ("reversal", "ada's wallet", "coin box", 350),
            ("reversal", "ada's tab", "ada's wallet", 290),
        ]
        assert isinstance(posted.receipt, TransferReversed)
        assert posted.receipt.amount_cents == (350 if named == "deposit" else 290)
        # 0.05 and 0.10 that were hers all along; 0.10 of the 3.00 had been settled before.
        assert (posted.receipt.balance_cents, posted.receipt.owed_cents) == (15, 290)
        for kind, its in (("deposit", -2), ("settlement", -1)):
            twin = [one["id"] for one in await shop.rows("transfers") if one["kind"] == kind][its]
            with pytest.raises(AlreadyReversed):
                await shop.do(ReverseTransfer(OPERATOR, twin, "again"))
        await shop.assert_clean()

    async def test_the_change_of_a_settlement_that_is_spent(self, shop: Shop) -> None:
        ada = await indebted(shop)
        wrong = await shop.do(SettleTab(OPERATOR, ada.user_id, coins={100: 4}))
        await shop.do(PayOut(OPERATOR, wallet(ada)))
        await refuse(shop, back(wrong), ReversalNotCovered(needed_cents=100, balance_cents=0))
        receipt = await reversed_(shop, back(wrong, owe=True))
        assert (receipt.charged_cents, receipt.owed_cents, receipt.balance_cents) == (100, 400, 0)
        await shop.assert_clean()

    async def test_a_deposit_before_a_settlement_is_not_its(self, shop: Shop) -> None:
        ada = await indebted(shop)
        wrong = await shop.do(Deposit(OPERATOR, wallet(ada), {50: 1}))
        await shop.do(SettleTab(OPERATOR, ada.user_id, coins={100: 1}))
        posted = await post(shop, back(wrong))
        assert posted.transfers == [("reversal", "ada's wallet", "coin box", 50)]


class TestWhoAndWhat:
    async def test_by_whom(self, shop: Shop) -> None:
        cas = await shop.person("cas", Role.CASHIER, Role.BUYER)
        root = await shop.person("root", Role.ADMIN, Role.BUYER)
        ada, hall = await shop.buyer("ada"), await shop.machine_key(1)
        deposit = await shop.do(Deposit(OPERATOR, wallet(ada), {100: 1}))
        own = await shop.do(Deposit(OPERATOR, wallet(cas), {100: 1}))
        topup = await shop.do(TopUp(OPERATOR, wallet(ada), 100, "bank 1"))
        await refuse(shop, back(deposit, ada), RoleMissing(("cashier", "admin")))
        await refuse(shop, back(deposit, hall), RoleMissing(tuple(Role)))
        await refuse(shop, back(topup, cas), RoleMissing(("admin",)))
        await refuse(shop, back(own, cas), SelfService(act="transfer.reverse"))
        for command in (back(deposit, cas), back(own, root), back(topup, root)):
            await shop.do(command)
        await shop.assert_clean()

    @pytest.mark.parametrize("reason", ["", " ", "x" * 201])
    async def test_with_a_reason(self, shop: Shop, reason: str) -> None:
        wrong = await shop.do(Deposit(OPERATOR, wallet(await shop.buyer("ada")), {100: 1}))
        length = InvalidField(field="reason", problem=WrongLength(1, 200))
        await refuse(shop, ReverseTransfer(OPERATOR, number(wrong), reason), length)

    async def test_what_is_put_right_otherwise(self, shop: Shop) -> None:
        ada, bob = await shop.buyer("ada", cents=500), await shop.buyer("bob")
        cola = await shop.product(price_cents=150)
        order = await shop.buy(ada, (cola.product_id, 1))
        await shop.do(SendMoney(ada, wallet(ada), wallet(bob), 50))
        await shop.do(CollectCoins(OPERATOR, 1, {100: 1}))
        await shop.do(CloseWallet(OPERATOR, wallet(bob)))
        assert order.order_id
        tried = {}
        for row in await shop.rows("transfers"):
            if row["kind"] != "deposit":
                tried[row["kind"]] = row["id"]
        assert sorted(tried) == ["close", "collect", "sale", "transfer"]
        for kind, transfer_id in tried.items():
            command = ReverseTransfer(OPERATOR, transfer_id, "wrong")
            await refuse(shop, command, NotReversible(transfer=transfer_id, kind=kind))
        for unknown in (0, -1, 10**6, 2**63 - 1):
            await refuse(shop, ReverseTransfer(OPERATOR, unknown, "wrong"), UnknownTransfer(transfer=unknown))

    async def test_a_key_is_answered_as_before(self, shop: Shop) -> None:
        ada = await shop.buyer("ada", cents=500)
        wrong = await shop.do(Deposit(OPERATOR, wallet(ada), {100: 1}))
        first = await shop.do(back(wrong), key="k")
        assert await shop.do(back(wrong), key="k") == first
        with pytest.raises(KeyReused):
            await shop.do(back(wrong, owe=True), key="k")
        await shop.assert_clean()
