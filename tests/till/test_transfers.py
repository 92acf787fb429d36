"""Money between accounts: sent, topped up, paid to sellers, left behind."""

from __future__ import annotations

from typing import cast

import pytest

from tests.shop import Shop
from tests.till.reading import balances, post, refuse
from tuckshop import context
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.domain.field_problems import AmountTooSmall, SameUser, WrongLength
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.orders import Fulfil, Payment
from tuckshop.domain.refusals import (
    ExternalRefTaken,
    InsufficientFunds,
    InvalidField,
    NotOwner,
    NotPayable,
    Refusal,
    RoleMissing,
    UnknownUser,
)
from tuckshop.domain.users import Role
from tuckshop.queries.earnings import earnings
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.orders import Dispense, PlaceOrder
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import (
    CloseWallet,
    MoneyMoved,
    PaySeller,
    SellerPaid,
    SendMoney,
    TopUp,
    WalletClosed,
)


def wallet(caller: SessionCaller) -> AccountRef:
    return wallet_of(caller.user_id)


async def payable(shop: Shop, seller: SessionCaller) -> int:
    """What the seller is told."""
    told = await earnings(cast(context.Shop, shop), seller_id=seller.user_id)
    return told.payable_cents


class TestSending:
    async def test_moves_from_wallet_to_wallet(self, shop: Shop) -> None:  # 5.00 - 1.20 = 3.80
        ada, bob = await shop.buyer("ada", cents=500), await shop.buyer("bob")
        posted = await post(shop, SendMoney(ada, wallet(ada), wallet(bob), 120, "lunch"))
        assert posted.transfers == [("transfer", "ada's wallet", "bob's wallet", 120)]
        assert isinstance(posted.receipt, MoneyMoved)
        assert posted.receipt.balance_cents == 380
        assert (await balances(shop))["bob's wallet"] == 120
        await shop.assert_clean()

    async def test_sends_no_more_than_there_is(self, shop: Shop) -> None:
        ada, bob = await shop.buyer("ada", cents=500), await shop.buyer("bob")
        lacking = InsufficientFunds(needed_cents=501, balance_cents=500)
        await refuse(shop, SendMoney(ada, wallet(ada), wallet(bob), 501), lacking)
        await shop.do(SendMoney(ada, wallet(ada), wallet(bob), 500))

    async def test_two_in_one_batch_spend_it_once(self, shop: Shop) -> None:
        ada, bob = await shop.buyer("ada", cents=100), await shop.buyer("bob")
        command = SendMoney(ada, wallet(ada), wallet(bob), 100)
        outcomes = await shop.till.execute_together([Envelope(command), Envelope(command)])
        assert [type(outcome.answer).__name__ for outcome in outcomes] == ["MoneyMoved", "InsufficientFunds"]
        await shop.assert_clean()

    @pytest.mark.parametrize("amount", [0, -1])
    async def test_sends_something(self, shop: Shop, amount: int) -> None:
        ada, bob = await shop.buyer("ada", cents=100), await shop.buyer("bob")
        least = InvalidField(field="amount", problem=AmountTooSmall(1))
        await refuse(shop, SendMoney(ada, wallet(ada), wallet(bob), amount), least)

    async def test_only_ones_own_and_only_to_another_buyer(self, shop: Shop) -> None:
        ada, bob = await shop.buyer("ada", cents=100), await shop.buyer("bob")
        sam = await shop.person("sam", Role.SELLER)
        cas = await shop.person("cas", Role.CASHIER, Role.ADMIN, Role.BUYER)
        for thief in (bob, cas):
            await refuse(shop, SendMoney(thief, wallet(ada), wallet(bob), 1), NotOwner(thing="wallet"))
        await refuse(shop, SendMoney(sam, wallet(sam), wallet(bob), 1), RoleMissing(roles=("buyer",)))
        await refuse(shop, SendMoney(ada, wallet(ada), wallet(sam), 1), UnknownUser(user=sam.user_id))
        await refuse(shop, SendMoney(ada, wallet(ada), wallet_of(999), 1), UnknownUser(user=999))
        self_sent = InvalidField(field="to", problem=SameUser())
        await refuse(shop, SendMoney(ada, wallet(ada), wallet(ada), 1), self_sent)


class TestToppingUp:
    async def test_comes_from_the_bank_once_per_reference(self, shop: Shop) -> None:
        ada = await shop.buyer("ada")
        posted = await post(shop, TopUp(OPERATOR, wallet(ada), 2000, "bank 17"))
        assert posted.transfers == [("topup", "bank", "ada's wallet", 2000)]
        assert isinstance(posted.receipt, MoneyMoved)
        taken = ExternalRefTaken(external_ref="bank 17", transfer=posted.receipt.transfer_id)
        await refuse(shop, TopUp(OPERATOR, wallet(ada), 2000, "bank 17"), taken)
        await refuse(shop, TopUp(OPERATOR, wallet(ada), 5, "bank 17"), taken)
        await shop.do(TopUp(OPERATOR, wallet(ada), 5, "bank 18"))
        await shop.assert_clean()

    async def test_two_in_one_batch_with_one_reference_are_one(self, shop: Shop) -> None:
        ada = await shop.buyer("ada")
        command = TopUp(OPERATOR, wallet(ada), 100, "bank 17")
        outcomes = await shop.till.execute_together([Envelope(command), Envelope(command)])
        assert [type(outcome.answer).__name__ for outcome in outcomes] == ["MoneyMoved", "ExternalRefTaken"]

    async def test_is_for_admins(self, shop: Shop) -> None:
        ada, cas = await shop.buyer("ada"), await shop.person("cas", Role.CASHIER)
        for caller in (ada, cas):
            await refuse(shop, TopUp(caller, wallet(ada), 100, "x"), RoleMissing(roles=("admin",)))
        length = InvalidField(field="external_ref", problem=WrongLength(1, 128))
        for external_ref in ("", "x" * 129):
            await refuse(shop, TopUp(OPERATOR, wallet(ada), 100, external_ref), length)
        await refuse(shop, TopUp(OPERATOR, wallet_of(999), 100, "x"), UnknownUser(user=999))


class TestPayingSellers:
    async def test_holds_back_nothing_for_what_others_sold(self, shop: Shop) -> None:
        # 1.50 sold and past the window; then 1.50 beside 4.00 of Eva's inside it: 3.00 earned, 1.50 payable.
        sam, eva = await shop.person("sam", Role.SELLER), await shop.person("eva", Role.SELLER)
        ada = await shop.buyer("ada", cents=2000)
        cola = (await shop.product("cola", seller=sam)).product_id
        nuts = (await shop.product("nuts", price_cents=400, seller=eva)).product_id
        await shop.buy(ada, (cola, 1))
        shop.clock.forward(301)
        await shop.buy(ada, (cola, 1), (nuts, 1))
        await refuse(shop, PaySeller(OPERATOR, eva.user_id, "pay 0"), NotPayable(0, 400))
        receipt = await shop.do(PaySeller(OPERATOR, sam.user_id, "pay 1"))
        assert isinstance(receipt, SellerPaid)
        assert (receipt.amount_cents, receipt.balance_cents) == (150, 150)

    async def test_pays_what_no_buyer_can_ask_back(self, shop: Shop) -> None:
        # 3 x 1.50 sold and past the window, then 2 x 1.50 inside it: 7.50 earned, 4.50 payable.
        sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=2000)
        cola = await shop.product("cola", seller=sam)
        await shop.buy(ada, (cola.product_id, 3))
        shop.clock.forward(301)
        await shop.buy(ada, (cola.product_id, 2))
        seller_id = sam.user_id
        too_much = NotPayable(payable_cents=450, balance_cents=750)
        await refuse(shop, PaySeller(OPERATOR, seller_id, "pay 1", 451), too_much)
        posted = await post(shop, PaySeller(OPERATOR, seller_id, "pay 1", 400))
        assert posted.transfers == [("earnings_payout", "sam's earnings", "bank", 400)]
        assert isinstance(posted.receipt, SellerPaid)
        assert (posted.receipt.balance_cents, posted.receipt.payable_cents) == (350, 50)
        taken = ExternalRefTaken(external_ref="pay 1", transfer=posted.receipt.transfer_id)
        await refuse(shop, PaySeller(OPERATOR, seller_id, "pay 1"), taken)
        rest = await shop.do(PaySeller(OPERATOR, seller_id, "pay 2"))
        assert isinstance(rest, SellerPaid)
        assert (rest.amount_cents, rest.balance_cents, rest.payable_cents) == (50, 300, 0)
        nothing = NotPayable(payable_cents=0, balance_cents=300)
        await refuse(shop, PaySeller(OPERATOR, seller_id, "pay 3"), nothing)
        shop.clock.forward(301)
        last = await shop.do(PaySeller(OPERATOR, seller_id, "pay 3"))
        assert isinstance(last, SellerPaid)
        assert (last.amount_cents, last.balance_cents) == (300, 0)
        await shop.assert_clean()

    async def test_sees_the_sales_and_refunds_of_its_own_batch(self, shop: Shop) -> None:
        sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=2000)
        cola = await shop.product("cola", seller=sam)
        first = await shop.buy(ada, (cola.product_id, 3))
        shop.clock.forward(DAY_SECONDS)
        seller_id = sam.user_id
        outcomes = await shop.till.execute_together(
            [
                Envelope(Refund(OPERATOR, first.order_id, {cola.product_id: 1})),
                Envelope(PaySeller(OPERATOR, seller_id, "pay 1")),
                Envelope(PaySeller(OPERATOR, seller_id, "pay 2")),
            ]
        )
        paid = outcomes[1].receipt()
        assert isinstance(paid, SellerPaid)
        assert paid.amount_cents == 300
        assert outcomes[2].answer == NotPayable(payable_cents=0, balance_cents=0)

    async def test_what_a_tab_owes_is_not_payable_until_it_is_settled(self, shop: Shop) -> None:
        # 2 gum at 0.50 on the tab, of which nothing can be given back, then another: 1.00 + 0.50 owed.
        sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=50)
        await shop.execute("UPDATE users SET tab_limit_cents = 500")
        gum = (await shop.product("gum", price_cents=50, seller=sam, refundable=False)).product_id
        for quantity in (2, 1):
            await shop.buy(ada, (gum, quantity), payment=Payment.TAB, fulfil=Fulfil.NOW)
        shop.clock.forward(DAY_SECONDS)
        assert await payable(shop, sam) == 0
        await refuse(shop, PaySeller(OPERATOR, sam.user_id, "pay 1"), NotPayable(0, 150))
        # 0.95 do not settle the first order whole.
        await shop.do(SettleTab(OPERATOR, ada.user_id, amount_cents=95, external_ref="bank 1"))
        assert await payable(shop, sam) == 0
        await refuse(shop, PaySeller(OPERATOR, sam.user_id, "pay 1"), NotPayable(0, 150))
        await shop.do(SettleTab(OPERATOR, ada.user_id, coins={5: 1}))
        assert await payable(shop, sam) == 100
        paid = await shop.do(PaySeller(OPERATOR, sam.user_id, "pay 1"))
        assert isinstance(paid, SellerPaid)
        assert (paid.amount_cents, paid.balance_cents, paid.payable_cents) == (100, 50, 0)
        # The rest is settled in the batch that pays it out; what is sold after that is owed again.
        outcomes = await shop.till.execute_together(
            [
                Envelope(PaySeller(OPERATOR, sam.user_id, "pay 2")),
                Envelope(SettleTab(OPERATOR, ada.user_id, coins={50: 1})),
                Envelope(PlaceOrder(ada, wallet(ada), ((gum, 1),), payment=Payment.TAB, fulfil=Fulfil.NOW)),
                Envelope(PaySeller(OPERATOR, sam.user_id, "pay 3")),
                Envelope(PaySeller(OPERATOR, sam.user_id, "pay 4")),
            ]
        )
        assert outcomes[0].answer == NotPayable(0, 50)
        last = outcomes[3].receipt()
        assert isinstance(last, SellerPaid)
        assert (last.amount_cents, last.balance_cents) == (50, 50)
        assert outcomes[4].answer == NotPayable(0, 50)
        assert await payable(shop, sam) == 0
        await shop.assert_clean()

    async def test_sees_the_settlement_of_its_own_batch(self, shop: Shop) -> None:
        ada, sam = await shop.buyer("ada"), await shop.person("sam", Role.SELLER)
        cola = (await shop.product(price_cents=100, seller=sam)).product_id
        await shop.execute("UPDATE users SET tab_limit_cents = 100 WHERE username = 'ada'")
        await shop.buy(ada, (cola, 1), payment=Payment.TAB, fulfil=Fulfil.NOW)
        shop.clock.forward(DAY_SECONDS)
        await refuse(shop, PaySeller(OPERATOR, sam.user_id, "pay"), NotPayable(0, 100))
        settled = SettleTab(OPERATOR, ada.user_id, amount_cents=100, external_ref="bank")
        outcomes = await shop.till.execute_together(
            [Envelope(settled), Envelope(PaySeller(OPERATOR, sam.user_id, "pay"))]
        )
        paid = outcomes[1].receipt()
        assert isinstance(paid, SellerPaid)
        assert paid.amount_cents == 100

    async def test_what_waits_to_be_handed_out_is_not_payable_and_the_window_begins_then(
        self, shop: Shop
    ) -> None:
        sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=500)
        cola = (await shop.product("cola", seller=sam)).product_id
        gum = (await shop.product("gum", price_cents=50, seller=sam, refundable=False)).product_id
        order = await shop.buy(ada, (cola, 1), (gum, 1), fulfil=Fulfil.LATER)
        seller_id = sam.user_id
        shop.clock.forward(DAY_SECONDS)
        assert await payable(shop, sam) == 0
        await refuse(shop, PaySeller(OPERATOR, seller_id, "pay 1"), NotPayable(0, 200))
        await shop.do(Dispense(sam, order.order_id))
        assert await payable(shop, sam) == 50
        await refuse(shop, PaySeller(OPERATOR, seller_id, "pay 1", 51), NotPayable(50, 200))
        shop.clock.forward(300)
        await refuse(shop, PaySeller(OPERATOR, seller_id, "pay 1", 51), NotPayable(50, 200))
        shop.clock.forward(1)
        assert await payable(shop, sam) == 200
        paid = await shop.do(PaySeller(OPERATOR, seller_id, "pay 1"))
        assert isinstance(paid, SellerPaid)
        assert (paid.amount_cents, paid.balance_cents) == (200, 0)
        await shop.assert_clean()

    async def test_a_refund_after_the_payout_leaves_a_debt(self, shop: Shop) -> None:
        sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=2000)
        cola = await shop.product("cola", seller=sam)
        order = await shop.buy(ada, (cola.product_id, 2))
        shop.clock.forward(301)
        await shop.do(PaySeller(OPERATOR, sam.user_id, "pay 1"))
        await shop.do(Refund(OPERATOR, order.order_id))
        assert (await balances(shop))["sam's earnings"] == -300
        owed = NotPayable(payable_cents=0, balance_cents=-300)
        await refuse(shop, PaySeller(OPERATOR, sam.user_id, "pay 2"), owed)
        await shop.assert_clean()

    async def test_is_for_admins(self, shop: Shop) -> None:
        sam = await shop.person("sam", Role.SELLER)
        needed: Refusal = RoleMissing(roles=("admin",))
        await refuse(shop, PaySeller(sam, sam.user_id, "x"), needed)
        await refuse(shop, PaySeller(OPERATOR, 999, "x"), UnknownUser(user=999))


class TestClosing:
    async def test_leaves_the_rest_to_nobody(self, shop: Shop) -> None:
        ada = await shop.buyer("ada", cents=35)
        posted = await post(shop, CloseWallet(OPERATOR, wallet(ada), "gone"))
        assert posted.transfers == [("close", "ada's wallet", "unclaimed", 35)]
        again = await shop.do(CloseWallet(ada, wallet(ada)))
        assert isinstance(again, WalletClosed)
        assert (again.unclaimed_id, again.amount_cents) == (None, 0)
        await shop.assert_clean()

    async def test_is_for_oneself_and_admins(self, shop: Shop) -> None:
        ada, bob = await shop.buyer("ada", cents=35), await shop.buyer("bob")
        cas = await shop.person("cas", Role.CASHIER)
        for caller in (bob, cas):
            await refuse(shop, CloseWallet(caller, wallet(ada)), RoleMissing(roles=("admin",)))
