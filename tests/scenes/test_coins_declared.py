"""Buyers declare their own coins: as much as a machine takes in a day, and paid where they were put in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.shop import Shop, open_shop
from tests.till.reading import balances, refuse
from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.orders import Change
from tuckshop.domain.refusals import (
    CoinsDeclaredElsewhere,
    MachineCoinsCapReached,
    NothingToPayOut,
    PayoutNotCovered,
)
from tuckshop.domain.users import Role, UserState
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.callers import OPERATOR, GuestCaller, RegistrantCaller, ScreenCaller, SessionCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.machines import CollectCoins, CountCoins, FillCoins
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.transfers import PaySeller, ReverseTransfer, SendMoney, TopUp
from tuckshop.till.commands.users import NewUser, Register
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut
from tuckshop.till.policy import Policy

CAP = 500
ALL = (5, 10, 20, 50, 100)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """Buyers are believed; each machine takes 5.00 of it a day."""
    async with open_shop(database_url, coins=CoinsPolicy.SELF, coins_machine_daily_cap_cents=CAP) as opened:
        yield opened


def puts_in(buyer: SessionCaller, machine_id: int = 1, *, euros: int) -> Deposit:
    return Deposit(buyer, wallet_of(buyer.user_id), {100: euros}, machine_id)


async def taken_out(shop: Shop, buyer: SessionCaller, machine_id: int) -> int:
    receipt = await shop.do(PayOut(buyer, wallet_of(buyer.user_id), machine_id))
    assert isinstance(receipt, PaidOut)
    return receipt.amount_cents


class TestOfOneMachineAndDay:
    async def test_fresh_users_declare_no_more_than_one_would(self, shop: Shop) -> None:
        ends = DAY_SECONDS - shop.clock.now_us // MICROSECONDS % DAY_SECONDS
        for number in range(5):
            await shop.do(puts_in(await shop.buyer(f"ada {number}"), euros=1))
        bob = await shop.buyer("bob")
        full = MachineCoinsCapReached(machine=1, cap_cents=CAP, left_cents=0, retry_seconds=ends)
        await refuse(shop, Deposit(bob, wallet_of(bob.user_id), {5: 1}), full)
        cleo = NewUser("cleo", None, "!", frozenset({Role.BUYER}), UserState.ACTIVE)
        await refuse(shop, Register(RegistrantCaller.named("cleo"), cleo, {5: 1}), full)
        guest = await shop.guest("door")
        assert guest.guest_id is not None
        await refuse(shop, Deposit(GuestCaller(guest.guest_id), guest, {5: 1}), full)
        await shop.do(puts_in(bob, await shop.machine("hall"), euros=1))  # Another machine's own.
        shop.clock.forward(ends - 1)
        await refuse(shop, Deposit(bob, wallet_of(bob.user_id), {5: 1}), MachineCoinsCapReached(1, CAP, 0, 1))
        shop.clock.forward(1)
        await shop.do(puts_in(bob, euros=5))
        await shop.assert_clean()

    async def test_what_somebody_has_seen_does_not_count(self, shop: Shop) -> None:
        ada, cas = await shop.buyer("ada"), await shop.person("cas", Role.CASHIER)
        await shop.log_in_at(1, ada)
        for by in (OPERATOR, cas, await shop.machine_key(1)):
            await shop.do(Deposit(by, wallet_of(ada.user_id), {100: 9}))
        await shop.do(puts_in(ada, euros=5))
        names = {row["name"].split("/")[1]: row["used"] for row in await shop.rows("limit_counters")}
        assert names == {"deposits": 900, "declared-coins": 500}

    async def test_a_batch_counts_as_one_after_the_other(self, shop: Shop) -> None:
        ada, bob = await shop.buyer("ada"), await shop.buyer("bob")
        outcomes = await shop.till.execute_together(
            [Envelope(puts_in(one, euros=2)) for one in (ada, bob, ada)]
        )
        told = [type(one.answer).__name__ for one in outcomes]
        assert told == ["CoinsDeposited", "CoinsDeposited", "MachineCoinsCapReached"]

    async def test_an_ordinary_purchase_reads_no_counter(self, shop: Shop) -> None:
        from tuckshop.till.state.read_set import ReadSet

        ada = await shop.buyer("ada")
        need = ReadSet(shop.till.policy)
        PlaceOrder(ada, wallet_of(ada.user_id), ((1, 1),)).reads(need)
        assert not need.limits
        assert not need.coin_flows
        attested = ReadSet(Policy(currency=shop.currency))
        puts_in(ada, euros=1).reads(attested)
        assert not attested.limits


class TestPaidElsewhere:
    async def test_coins_declared_at_one_machine_are_not_paid_from_anothers(self, shop: Shop) -> None:
        hall = await shop.machine("hall")  # Its coins are counted.
        await shop.do(FillCoins(OPERATOR, hall, {100: 9, 50: 9}))
        ada = await shop.buyer("ada")
        await shop.do(puts_in(ada, euros=3))
        await refuse(shop, PayOut(ada, wallet_of(ada.user_id), hall), CoinsDeclaredElsewhere(hall, 300))
        await shop.do(puts_in(ada, hall, euros=1))
        assert await taken_out(shop, ada, hall) == 100
        await refuse(shop, PayOut(ada, wallet_of(ada.user_id), hall), CoinsDeclaredElsewhere(hall, 300))
        assert await taken_out(shop, ada, 1) == 300
        await refuse(shop, PayOut(ada, wallet_of(ada.user_id), hall), NothingToPayOut(0))
        await shop.do(puts_in(ada, hall, euros=2))  # Each machine gives back what it got.
        assert await taken_out(shop, ada, hall) == 200
        await shop.assert_clean()

    async def test_nor_by_way_of_another_buyer(self, shop: Shop) -> None:
        hall = await shop.machine("hall")
        await shop.do(FillCoins(OPERATOR, hall, {100: 9}))
        ada, bob = await shop.buyer("ada"), await shop.buyer("bob")
        await shop.do(puts_in(ada, euros=3))
        await shop.do(SendMoney(ada, wallet_of(ada.user_id), wallet_of(bob.user_id), 300))
        await refuse(shop, PayOut(bob, wallet_of(bob.user_id), hall), CoinsDeclaredElsewhere(hall, 300))
        await shop.do(PayOut(OPERATOR, wallet_of(bob.user_id), hall))  # The office sees whom it pays.

    async def test_what_the_office_or_the_bank_has_seen_is_paid_anywhere_once(self, shop: Shop) -> None:
        hall = await shop.machine("hall")
        await shop.do(FillCoins(OPERATOR, hall, {100: 9}))
        ada = await shop.buyer("ada", cents=100)
        await shop.do(TopUp(OPERATOR, wallet_of(ada.user_id), 200, "bank"))
        await shop.do(puts_in(ada, euros=3))
        assert await taken_out(shop, ada, hall) == 300
        await shop.do(puts_in(ada, euros=1))
        await refuse(shop, PayOut(ada, wallet_of(ada.user_id), hall), CoinsDeclaredElsewhere(hall, 400))
        await shop.assert_clean()

    async def test_change_is_not_paid_either_and_stays_in_the_wallet(self, shop: Shop) -> None:
        hall = await shop.machine("hall")
        await shop.do(FillCoins(OPERATOR, hall, {50: 9}))
        can = (await shop.product(price_cents=50, machine_id=hall)).product_id
        ada = await shop.buyer("ada")
        await shop.do(puts_in(ada, euros=3))
        await shop.do(Deposit(ada, wallet_of(ada.user_id), {50: 2}, hall))
        order = PlaceOrder(ada, wallet_of(ada.user_id), ((can, 1),), Change.RETURN, machine_id=hall)
        sold = await shop.do(order)
        assert isinstance(sold, OrderPlaced)
        assert (sold.change, sold.balance_cents) == ({50: 2}, 250)
        await shop.assert_clean()

    async def test_a_batch_sees_what_it_has_paid(self, shop: Shop) -> None:
        hall = await shop.machine("hall")
        await shop.do(FillCoins(OPERATOR, hall, {100: 9}))
        ada, guest = await shop.buyer("ada"), await shop.guest("door")
        assert guest.guest_id is not None
        door = GuestCaller(guest.guest_id)
        await shop.do(puts_in(ada, euros=2))
        await shop.do(Deposit(door, guest, {100: 2}))
        again = puts_in(ada, hall, euros=1), PayOut(ada, wallet_of(ada.user_id), hall)
        outcomes = await shop.till.execute_together(
            [
                Envelope(one)
                for one in (
                    *again,
                    PayOut(ada, wallet_of(ada.user_id), hall),
                    Deposit(OPERATOR, wallet_of(ada.user_id), {100: 1}),
                    PayOut(ada, wallet_of(ada.user_id), hall),
                    PayOut(door, guest, hall),
                )
            ]
        )
        assert [getattr(one.answer, "amount_cents", None) for one in outcomes] == [
            100,
            100,
            None,
            100,
            100,
            None,
        ]
        assert isinstance(outcomes[2].answer, CoinsDeclaredElsewhere)
        assert outcomes[5].answer == CoinsDeclaredElsewhere(hall, 200)
        await shop.assert_clean()


class TestPayingSellersFromThem:
    async def sold(self, shop: Shop) -> tuple[SessionCaller, SessionCaller]:
        """Ada has declared 3.00 and spent it at Sam's."""
        sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada")
        can = (await shop.product(price_cents=300, seller=sam, refundable=False)).product_id
        await shop.do(puts_in(ada, euros=3))
        await shop.buy(ada, (can, 1))
        return sam, ada

    async def test_money_that_nobody_has_seen_is_confirmed_in_words(self, shop: Shop) -> None:
        sam, _ = await self.sold(shop)
        await refuse(shop, PaySeller(OPERATOR, sam.user_id, "pay"), PayoutNotCovered(300, 0))
        await shop.do(PaySeller(OPERATOR, sam.user_id, "pay", confirm_uncovered=True))
        assert (await balances(shop))["sam's earnings"] == 0
        await shop.assert_clean()

    async def test_what_was_counted_is_there(self, shop: Shop) -> None:
        sam, _ = await self.sold(shop)
        # 2.00 of the 3.00 were there.
        await shop.do(CountCoins(OPERATOR, 1, dict.fromkeys(ALL, 0) | {100: 2}))
        await refuse(shop, PaySeller(OPERATOR, sam.user_id, "pay"), PayoutNotCovered(300, 200))
        await shop.do(PaySeller(OPERATOR, sam.user_id, "pay", 200))
        await refuse(shop, PaySeller(OPERATOR, sam.user_id, "pay 2"), PayoutNotCovered(100, 0))

    async def test_what_was_collected_came_to_the_bank_or_was_taken_by_the_office_is_there(
        self, shop: Shop
    ) -> None:
        sam, ada = await self.sold(shop)
        await shop.do(CollectCoins(OPERATOR, 1, {100: 1}))
        await refuse(shop, PaySeller(OPERATOR, sam.user_id, "pay"), PayoutNotCovered(300, 100))
        await shop.do(TopUp(OPERATOR, wallet_of(ada.user_id), 100, "bank"))
        await refuse(shop, PaySeller(OPERATOR, sam.user_id, "pay"), PayoutNotCovered(300, 200))
        await shop.do(Deposit(OPERATOR, wallet_of(ada.user_id), {100: 1}))
        await shop.do(PaySeller(OPERATOR, sam.user_id, "pay"))

    async def test_a_batch_sees_what_it_has_counted_and_paid(self, shop: Shop) -> None:
        sam, ada = await self.sold(shop)
        outcomes = await shop.till.execute_together(
            [
                Envelope(PaySeller(OPERATOR, sam.user_id, "pay 1", 100)),
                Envelope(CountCoins(OPERATOR, 1, dict.fromkeys(ALL, 0) | {100: 2})),
                Envelope(puts_in(ada, euros=1)),
                Envelope(PaySeller(OPERATOR, sam.user_id, "pay 2", 200)),
                Envelope(PaySeller(OPERATOR, sam.user_id, "pay 3", 100)),
            ]
        )
        assert outcomes[0].answer == PayoutNotCovered(100, 0)
        outcomes[3].receipt()
        assert outcomes[4].answer == PayoutNotCovered(100, 0)
        await shop.assert_clean()


async def paired(shop: Shop, machine_id: int, guest: AccountRef) -> ScreenCaller:
    """The guest before a screen of the machine."""
    await shop.execute(
        "INSERT INTO screens (machine_id, name, secret_hash, created_us, paired_us)"
        " VALUES (:machine, 'screen', :hash, 1, 1)",
        machine=machine_id,
        hash=b"7" * 32,
    )
    (screen,) = await shop.rows("screens")
    assert guest.guest_id is not None
    return ScreenCaller(screen["id"], machine_id, b"7" * 32, guest.guest_id)


class TestDrawn:
    """A guest before a machine's own screen is believed as buyers are, whatever the shop's setting."""

    @pytest.fixture
    async def attested(self, database_url: str) -> AsyncIterator[Shop]:
        async with open_shop(database_url, coins_machine_daily_cap_cents=CAP) as opened:
            yield opened

    async def test_guests_draw_no_more_than_a_machine_takes_and_are_paid_there(self, attested: Shop) -> None:
        shop = attested
        hall, yard = await shop.machine("hall"), await shop.machine("yard")
        await shop.do(FillCoins(OPERATOR, yard, {100: 9}))
        await shop.draw_coins(hall)
        door = await shop.guest("door")
        assert door.guest_id is not None
        screen = await paired(shop, hall, door)
        await shop.do(Deposit(screen, door, {100: 5}, hall))
        with pytest.raises(MachineCoinsCapReached):
            await shop.do(Deposit(screen, door, {5: 1}, hall))
        (declared,) = await shop.rows("declared_coins")
        assert (declared["machine_id"], declared["cents"]) == (hall, 500)
        key = (await shop.machine_key(yard)).serving(door.guest_id)
        await refuse(shop, PayOut(key, door, yard), CoinsDeclaredElsewhere(yard, 500))
        await shop.do(Deposit(key, door, {100: 2}, yard))
        paid = await shop.do(PayOut(key, door, yard))
        assert isinstance(paid, PaidOut)
        assert paid.amount_cents == 200
        await shop.assert_clean()

    async def test_a_count_that_finds_them_missing_pays_no_seller(self, attested: Shop) -> None:
        shop = attested
        hall = await shop.machine("hall")
        await shop.draw_coins(hall)
        sam, door = await shop.person("sam", Role.SELLER), await shop.guest("door")
        can = (await shop.product(price_cents=300, seller=sam, refundable=False, machine_id=hall)).product_id
        screen = await paired(shop, hall, door)
        await shop.do(Deposit(screen, door, {100: 3}, hall))
        await shop.do(PlaceOrder(screen, door, ((can, 1),), machine_id=hall))
        await refuse(shop, PaySeller(OPERATOR, sam.user_id, "pay"), PayoutNotCovered(300, 0))
        await shop.do(CountCoins(OPERATOR, hall, dict.fromkeys(ALL, 0) | {100: 1}))
        await refuse(shop, PaySeller(OPERATOR, sam.user_id, "pay"), PayoutNotCovered(300, 100))
        await shop.do(PaySeller(OPERATOR, sam.user_id, "pay", confirm_uncovered=True))
        await shop.assert_clean()

    async def test_what_was_reversed_was_never_put_in(self, shop: Shop) -> None:
        hall = await shop.machine("hall")
        await shop.do(FillCoins(OPERATOR, hall, {100: 9}))
        ada = await shop.buyer("ada")
        await shop.do(puts_in(ada, euros=3))
        put_in = await shop.do(puts_in(ada, hall, euros=2))
        assert isinstance(put_in, CoinsDeposited)
        await shop.do(ReverseTransfer(OPERATOR, put_in.transfer_id, "A mistake"))
        declared = {row["machine_id"]: row["cents"] for row in await shop.rows("declared_coins")}
        assert declared == {1: 300, hall: 0}
        await refuse(shop, PayOut(ada, wallet_of(ada.user_id), hall), CoinsDeclaredElsewhere(hall, 300))
        await shop.assert_clean()
