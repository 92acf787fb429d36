"""/v1/auth/second-factor: codes of an app at log-ins, recovery codes, and what staff may without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from tests.api.conftest import Api, serving
from tests.api.test_confirm import code_of
from tuckshop.domain.users import Role, SecondFactorMode
from tuckshop.identity import registration, second_factor
from tuckshop.store import tables
from tuckshop.store.engine import writing
from tuckshop.till.callers import SessionCaller

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FACTOR, LOGIN = "/v1/auth/second-factor", "/v1/auth/login"
PASSWORD = "correct horse"
ADA = {"username": "ada", "password": PASSWORD}


class Phone:
    """An app with a user's secret, and the recovery codes on a sheet of paper."""

    def __init__(self, api: Api, secret: str) -> None:
        self._api, self._app = api, pyotp.TOTP(secret)
        self.recovery: list[str] = []

    def code(self, steps: int = 0) -> str:
        """What the app shows now, or showed or will show so many codes from now."""
        return self._app.at(self._api.clock.now_us // 1_000_000, counter_offset=steps)


async def phone_of(api: Api, access: str | SessionCaller) -> Phone:
    """The second factor of a user, set up and turned on."""
    made = await api.post(FACTOR, by=access)
    assert made.status_code == 201, made.text
    phone = Phone(api, made.json()["secret"])
    enabled = await api.post(f"{FACTOR}/enable", {"code": phone.code()}, by=access)
    assert enabled.status_code == 200, enabled.text
    phone.recovery = enabled.json()["recovery_codes"]
    return phone


async def log_in(api: Api, code: str | None = None, **more: Any) -> tuple[int, str]:
    answer = await api.post(LOGIN, ADA | ({} if code is None else {"code": code}) | more)
    return answer.status_code, "" if answer.status_code == 200 else code_of(answer)


GOOD, WRONG, NEEDED = (200, ""), (401, "second-factor-wrong"), (401, "second-factor-needed")


@pytest.fixture
async def phone(api: Api) -> Phone:
    """Of ada, who has just set it up; the code that she showed for that is used."""
    return await phone_of(api, (await api.registered("ada"))["access"])


class TestSettingUp:
    async def test_changes_nothing_until_the_app_has_sent_a_code(self, api: Api) -> None:
        access = (await api.registered("ada"))["access"]
        made = (await api.post(FACTOR, by=access)).json()
        assert made["uri"].startswith(f"otpauth://totp/Tuckshop:ada?secret={made['secret']}")
        assert await log_in(api) == GOOD
        wrong = await api.post(f"{FACTOR}/enable", {"code": "000000"}, by=access)
        assert (wrong.status_code, code_of(wrong)) == (401, "second-factor-wrong")
        state = (await api.get(FACTOR, by=access)).json()
        assert state == {"enabled": False, "since": None, "recovery_codes": 0, "required": False}
        assert await log_in(api) == GOOD

    async def test_begun_again_has_another_secret_and_the_first_is_good_for_nothing(self, api: Api) -> None:
        access = (await api.registered("ada"))["access"]
        first = Phone(api, (await api.post(FACTOR, by=access)).json()["secret"])
        second = Phone(api, (await api.post(FACTOR, by=access)).json()["secret"])
        for code, status in ((first.code(), 401), (second.code(), 200)):
            answer = await api.post(f"{FACTOR}/enable", {"code": code}, by=access)
            assert answer.status_code == status

    async def test_of_two_at_once_one_turns_it_on(self, api: Api) -> None:
        access = (await api.registered("ada"))["access"]
        phone = Phone(api, (await api.post(FACTOR, by=access)).json()["secret"])
        both = (api.post(f"{FACTOR}/enable", {"code": phone.code()}, by=access) for _ in range(2))
        answers = sorted([one.status_code for one in await asyncio.gather(*both)])
        assert answers in ([200, 401], [200, 409])
        assert len(await api.shop.rows("recovery_codes")) == 10

    async def test_is_refused_where_there_is_one_or_none(self, api: Api, phone: Phone) -> None:
        access = (await api.post(LOGIN, ADA | {"code": phone.code(1)})).json()["access"]
        assert code_of(await api.post(FACTOR, by=access)) == "second-factor-on"
        assert code_of(await api.post(f"{FACTOR}/enable", {"code": "1"}, by=access)) == "second-factor-on"
        bob = (await api.registered("bob"))["access"]
        for method, path, body in (
            ("POST", f"{FACTOR}/enable", {"code": "123456"}),
            ("POST", f"{FACTOR}/recovery-codes", None),
            ("DELETE", FACTOR, None),
        ):
            answer = await api.call(method, path, body, by=bob)
            assert (answer.status_code, code_of(answer)) == (409, "second-factor-off")

    @ON_SQLITE
    async def test_a_name_with_colons_makes_no_other_shop_of_it(self, api: Api) -> None:
        access = (await api.registered("Bank:ada?issuer=x&"))["access"]
        uri = (await api.post(FACTOR, by=access)).json()["uri"]
        assert uri.startswith("otpauth://totp/Tuckshop:Bank%20ada%3Fissuer%3Dx%26?secret=")


class TestLoggingIn:
    async def test_takes_password_and_code(self, api: Api, phone: Phone) -> None:
        assert await log_in(api) == NEEDED
        assert await log_in(api, "000000") == WRONG
        assert await log_in(api, phone.code(1)) == GOOD
        assert (await log_in(api, phone.code(1), password="wrong horse"))[1] == "bad-credentials"

    async def test_a_code_is_good_once(self, api: Api, phone: Phone) -> None:
        assert await log_in(api, phone.code()) == WRONG  # It turned the second factor on.
        code = phone.code(1)
        assert [await log_in(api, code) for _ in range(2)] == [GOOD, WRONG]
        assert await log_in(api, phone.code()) == WRONG  # Nor one before it.
        api.clock.forward(60)
        assert await log_in(api, phone.code()) == GOOD

    async def test_of_many_with_one_code_at_once_one_is_let_in(
        self, api: Api, phone: Phone, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tuckshop.identity.login_throttle.DELAY_SECONDS", 0)
        code = phone.code(1)
        found = await asyncio.gather(*(log_in(api, code) for _ in range(8)))
        assert sorted(found) == [GOOD] + [WRONG] * 7

    async def test_is_as_patient_as_one_code_on_either_side(self, api: Api, phone: Phone) -> None:
        api.clock.forward(3600)
        assert await log_in(api, phone.code(-2)) == WRONG
        assert await log_in(api, phone.code(2)) == WRONG
        assert [await log_in(api, phone.code(steps)) for steps in (-1, 0, 1)] == [GOOD] * 3

    async def test_a_code_is_read_as_apps_show_it(self, api: Api, phone: Phone) -> None:
        code = phone.code(1)
        assert await log_in(api, f" {code[:3]} {code[3:]} ") == GOOD

    @ON_SQLITE
    @pytest.mark.parametrize(
        "code",
        ["0", "١٢٣٤٥٦", "1234567", "12345\u0000", "-1", "1e5", "' OR 1=1", "😀", "x" * 40],
    )
    async def test_nonsense_lets_nobody_in(self, api: Api, phone: Phone, code: str) -> None:
        status, _ = await log_in(api, code)
        assert status in (401, 422)

    @ON_SQLITE
    @pytest.mark.parametrize("code", [123456, ["123456"], "", "x" * 41, True, {"a": 1}])
    async def test_what_is_no_code_is_refused_as_such(self, api: Api, phone: Phone, code: Any) -> None:
        answer = await api.post(LOGIN, ADA | {"code": code})
        assert answer.status_code == 422

    async def test_codes_are_tried_no_more_often_than_passwords(self, api: Api, phone: Phone) -> None:
        for _ in range(10):
            assert await log_in(api, "000000") == WRONG
        assert await log_in(api, phone.code(1)) == (429, "too-many-tries")

    async def test_who_was_not_asked_for_a_code_has_tried_nothing(self, api: Api, phone: Phone) -> None:
        assert [await log_in(api) for _ in range(15)] == [NEEDED] * 15

    async def test_confirming_takes_one_too(self, api: Api, phone: Phone) -> None:
        access = (await api.post(LOGIN, ADA | {"code": phone.code(1)})).json()["access"]
        confirm = "/v1/auth/confirm"
        assert code_of(await api.post(confirm, {"password": PASSWORD}, by=access)) == "second-factor-needed"
        api.clock.forward(60)
        body = {"password": PASSWORD, "code": phone.code()}
        assert (await api.post(confirm, body, by=access)).status_code == 200
        assert code_of(await api.post(confirm, body, by=access)) == "second-factor-wrong"

    async def test_without_a_second_factor_a_code_is_not_asked_and_not_heeded(self, api: Api) -> None:
        await api.registered("ada")
        assert await log_in(api, "000000") == GOOD


class TestRecoveryCodes:
    async def test_each_is_good_once_however_it_is_typed(self, api: Api, phone: Phone) -> None:
        first, second, *_ = phone.recovery
        assert [await log_in(api, first) for _ in range(2)] == [GOOD, WRONG]
        assert await log_in(api, second.upper().replace("-", " ")) == GOOD
        access = (await api.post(LOGIN, ADA | {"code": phone.code(1)})).json()["access"]
        assert (await api.get(FACTOR, by=access)).json()["recovery_codes"] == 8

    async def test_new_ones_replace_those_before(self, api: Api, phone: Phone) -> None:
        access = (await api.post(LOGIN, ADA | {"code": phone.code(1)})).json()["access"]
        made = await api.post(f"{FACTOR}/recovery-codes", by=access)
        assert made.status_code == 201
        assert await log_in(api, phone.recovery[0]) == WRONG
        assert await log_in(api, made.json()["recovery_codes"][0]) == GOOD

    async def test_of_another_user_is_none(self, api: Api, phone: Phone) -> None:
        other = await phone_of(api, (await api.registered("bob"))["access"])
        assert await log_in(api, other.recovery[0]) == WRONG

    async def test_do_not_turn_it_on(self, api: Api, phone: Phone) -> None:
        access = (await api.post(LOGIN, ADA | {"code": phone.code(1)})).json()["access"]
        assert (await api.call("DELETE", FACTOR, by=access)).status_code == 204
        await api.post(FACTOR, by=access)
        answer = await api.post(f"{FACTOR}/enable", {"code": phone.recovery[0]}, by=access)
        assert answer.status_code == 401


class TestWhatIsKept:
    async def test_a_copy_of_the_database_makes_no_codes(self, api: Api, phone: Phone) -> None:
        stored = str(await api.shop.books())
        secret = phone._app.secret
        assert secret not in stored
        assert not any(one in stored or one.replace("-", "") in stored for one in phone.recovery)

    async def test_a_row_is_good_for_no_other_user(self, api: Api, phone: Phone) -> None:
        mallory = await phone_of(api, (await api.registered("mallory"))["access"])
        factors = tables.second_factors
        async with writing(api.shop.engine) as connection:
            rows = (await connection.execute(select(factors).order_by(factors.c.user_id))).all()
            ada, own = rows
            await connection.execute(
                factors.update().where(factors.c.user_id == ada.user_id).values(secret=own.secret)
            )
        assert await log_in(api, mallory.code(1)) == WRONG
        assert await log_in(api, phone.recovery[0]) == GOOD

    async def test_with_another_secret_of_the_shop_recovery_codes_are_good(
        self, api: Api, phone: Phone
    ) -> None:
        await api.shop.execute("UPDATE second_factors SET secret = 'eyJhbGciOiJkaXIi.x.y.z'")
        assert await log_in(api, phone.code(1)) == WRONG
        assert await log_in(api, phone.recovery[0]) == GOOD

    async def test_who_is_gone_leaves_nothing(self, api: Api, phone: Phone) -> None:
        access = (await api.post(LOGIN, ADA | {"code": phone.code(1)})).json()["access"]
        assert (await api.call("DELETE", "/v1/users/me", by=access)).status_code == 204
        await second_factor.forget_closed(api.running)
        assert await api.shop.rows("second_factors") == await api.shop.rows("recovery_codes") == []


class TestOfStaff:
    async def test_an_admin_resets_it_for_who_has_lost_it(self, api: Api, phone: Phone) -> None:
        root = await api.shop.person("root", Role.ADMIN)
        session = (await api.post(LOGIN, ADA | {"code": phone.code(1)})).json()["access"]
        ada = (await api.get("/v1/users/me", by=session)).json()["id"]
        path = f"/v1/users/{ada}/second-factor"
        cas = await api.shop.person("cas", Role.CASHIER)
        assert (await api.call("DELETE", path, by=cas)).status_code == 403
        assert (await api.call("DELETE", path, by=root)).status_code == 204
        assert (await api.get("/v1/users/me", by=session)).status_code == 401
        assert await log_in(api) == GOOD
        assert (await api.call("DELETE", path, by=root)).status_code == 409
        assert (await api.call("DELETE", "/v1/users/999/second-factor", by=root)).status_code == 404
        line = (await api.shop.rows("admin_log"))[-1]
        assert (line["action"], line["subject"], line["actor_id"]) == (
            "user.second_factor", f"user:{ada}", root.user_id,
        )  # fmt: skip

    async def test_where_staff_need_one_they_are_customers_without(self, database_url: str) -> None:
        async with requiring(database_url) as api:
            await registration.add(
                api.running, username="ada", email=None, password=PASSWORD, roles=(Role.ADMIN, Role.BUYER)
            )
            access = (await api.logged_in("ada"))["access"]
            buyer = await api.shop.buyer("bob")
            deposit = {"coins": {"100": 1}, "user": buyer.user_id}
            # What is read with the books, and what the till decides.
            for method, path, body in (
                ("GET", "/v1/users", None),
                ("POST", "/v1/wallet/deposits", deposit),
                ("PATCH", f"/v1/users/{buyer.user_id}", {"roles": ["seller"]}),
            ):
                answer = await api.call(method, path, body, by=access)
                assert (answer.status_code, code_of(answer)) == (403, "second-factor-required"), path
            assert (await api.get("/v1/wallet", by=access)).status_code == 200
            assert (await api.get(FACTOR, by=access)).json()["required"] is True
            phone = await phone_of(api, access)
            assert (await api.get("/v1/users", by=access)).status_code == 200
            assert (await api.post("/v1/wallet/deposits", deposit, by=access)).status_code == 201
            assert await log_in(api) == NEEDED
            again = (await api.post(LOGIN, ADA | {"code": phone.code(1)})).json()["access"]
            refused = await api.call("DELETE", FACTOR, by=again)
            assert (refused.status_code, code_of(refused)) == (403, "second-factor-required")
            # Customers have theirs as they like.
            bob = await phone_of(api, (await api.registered("carl"))["access"])
            assert len(bob.recovery) == 10


@asynccontextmanager
async def requiring(url: str) -> AsyncIterator[Api]:
    """A shop whose staff need a second factor."""
    async with serving(url, staff_second_factor=SecondFactorMode.REQUIRED) as api:
        yield api
