"""Money between accounts: sent, topped up, paid to sellers, left behind."""

from __future__ import annotations

import pytest

from tests.shop import DAY_SECONDS, Shop
from tests.till.reading import balances, post, refuse
from tuckshop.domain.accounts import Role
from tuckshop.domain.ledger import AccountRef, wallet_of
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
from tuckshop.till.commands import (
    OPERATOR,
    Caller,
    CloseWallet,
    Envelope,
    MoneyMoved,
    PaySeller,
    Refund,
    SellerPaid,
    SendMoney,
    TopUp,
    WalletClosed,
)


def wallet(caller: Caller) -> AccountRef:
    return wallet_of(caller.user_id or 0)


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
        outcomes = await shop.till.settle_together([Envelope(command), Envelope(command)])
        assert [type(outcome.answer).__name__ for outcome in outcomes] == ["MoneyMoved", "InsufficientFunds"]
        await shop.assert_clean()

    @pytest.mark.parametrize("amount", [0, -1])
    async def test_sends_something(self, shop: Shop, amount: int) -> None:
        ada, bob = await shop.buyer("ada", cents=100), await shop.buyer("bob")
        least = InvalidField(field="amount", reason="must be at least 1")
        await refuse(shop, SendMoney(ada, wallet(ada), wallet(bob), amount), least)

    async def test_only_ones_own_and_only_to_another_buyer(self, shop: Shop) -> None:
        ada, bob = await shop.buyer("ada", cents=100), await shop.buyer("bob")
        sam = await shop.person("sam", Role.SELLER)
        cas = await shop.person("cas", Role.CASHIER, Role.ADMIN, Role.BUYER)
        for thief in (bob, cas):
            await refuse(shop, SendMoney(thief, wallet(ada), wallet(bob), 1), NotOwner(thing="wallet"))
        await refuse(shop, SendMoney(sam, wallet(sam), wallet(bob), 1), RoleMissing(roles=("buyer",)))
        await refuse(shop, SendMoney(ada, wallet(ada), wallet(sam), 1), UnknownUser(user=sam.user_id or 0))
        await refuse(shop, SendMoney(ada, wallet(ada), wallet_of(999), 1), UnknownUser(user=999))
        self_sent = InvalidField(field="to", reason="must be somebody else")
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
        outcomes = await shop.till.settle_together([Envelope(command), Envelope(command)])
        assert [type(outcome.answer).__name__ for outcome in outcomes] == ["MoneyMoved", "ExternalRefTaken"]

    async def test_is_for_admins(self, shop: Shop) -> None:
        ada, cas = await shop.buyer("ada"), await shop.person("cas", Role.CASHIER)
        for caller in (ada, cas):
            await refuse(shop, TopUp(caller, wallet(ada), 100, "x"), RoleMissing(roles=("admin",)))
        length = InvalidField(field="external_ref", reason="must have 1 to 128 characters")
        for external_ref in ("", "x" * 129):
            await refuse(shop, TopUp(OPERATOR, wallet(ada), 100, external_ref), length)
        await refuse(shop, TopUp(OPERATOR, wallet_of(999), 100, "x"), UnknownUser(user=999))


class TestPayingSellers:
    async def test_pays_what_no_buyer_can_ask_back(self, shop: Shop) -> None:
        # 3 x 1.50 sold and past the window, then 2 x 1.50 inside it: 7.50 earned, 4.50 payable.
        sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=2000)
        cola = await shop.product("cola", seller=sam)
        await shop.buy(ada, (cola.product_id, 3))
        shop.clock.forward(301)
        await shop.buy(ada, (cola.product_id, 2))
        seller_id = sam.user_id or 0
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
        seller_id = sam.user_id or 0
        outcomes = await shop.till.settle_together(
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

    async def test_a_refund_after_the_payout_leaves_a_debt(self, shop: Shop) -> None:
        sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=2000)
        cola = await shop.product("cola", seller=sam)
        order = await shop.buy(ada, (cola.product_id, 2))
        shop.clock.forward(301)
        await shop.do(PaySeller(OPERATOR, sam.user_id or 0, "pay 1"))
        await shop.do(Refund(OPERATOR, order.order_id))
        assert (await balances(shop))["sam's earnings"] == -300
        owed = NotPayable(payable_cents=0, balance_cents=-300)
        await refuse(shop, PaySeller(OPERATOR, sam.user_id or 0, "pay 2"), owed)
        await shop.assert_clean()

    async def test_is_for_admins(self, shop: Shop) -> None:
        sam = await shop.person("sam", Role.SELLER)
        needed: Refusal = RoleMissing(roles=("admin",))
        await refuse(shop, PaySeller(sam, sam.user_id or 0, "x"), needed)
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
