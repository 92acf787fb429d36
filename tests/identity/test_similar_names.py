"""Nobody takes a name that reads like another's."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.conftest import serving
from tests.shop import Shop, open_shop
from tests.till.test_two_tills import interrupted, until_it_waits
from tuckshop.dialects import NAMES
from tuckshop.domain.refusals import InvalidField, NameTaken, NameTooSimilar, Refusal
from tuckshop.domain.users import Role, UserState, check_username
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.identity import registration, users
from tuckshop.store.skeletons import mixes_alphabets, skeleton
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.commands.users import CloseUser, NewUser, Register, Registered

PASSWORD = "ginger and lime"
SAME = [
    ("caxapa", "сахара"),  # All of it Cyrillic.
    ("Paul", "PauI"),  # A capital I.
    ("Paul", "PAUl"),
    ("max", "МАХ"),  # Cyrillic capitals, in a name that has an m, which looks like rn.
    ("max", "rnax"),
    ("user10", "userlO"),
    ("Ida", "Ｉda"),
    ("ada", "ada\ufe0f"),  # A variation selector, which nobody sees.
    ("yves", "\uab79ves"),  # A small Cherokee letter.
    ("straße", "STRASSE"),
    ("ὀδός", "οδος\u0301"),
]
OTHERS = [
    ("ada", "ida"),
    ("Jörg", "Jorg"),
    ("sam", "samuel"),
    ("анна", "hanna"),
    ("user1", "user2"),
    ("日本", "日"),
]


@pytest.mark.parametrize(("one", "other"), SAME[:-1])
def test_names_that_read_alike_have_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_names_that_can_be_told_apart_have_two(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


def test_a_skeleton_is_its_own() -> None:
    for name, _ in SAME + OTHERS:
        assert skeleton(skeleton(name)) == skeleton(name)


@pytest.mark.parametrize(
    ("name", "mixed"),
    [
        ("рaypal", True),
        ("ΩMEGA", True),
        ("p\u0300\u0430y", True),  # With a mark between.
        ("Ada-Дом", False),
        ("Ada Дом", False),
        ("Дом2", False),
        ("日本ada", False),
        ("µm", False),
        ("αβγ", False),
        ("", False),
        ("x" * 64, False),
    ],
)
def test_a_word_mixes_latin_with_cyrillic_or_greek(name: str, mixed: bool) -> None:
    assert mixes_alphabets(name) is mixed


def register(name: str) -> Register:
    return Register(OPERATOR, NewUser(name, None, "!", frozenset({Role.BUYER}), UserState.ACTIVE))


async def refuse(shop: Shop, name: str, refusal: Refusal) -> None:
    before = await shop.books()
    assert (await shop.till.execute(Envelope(register(name)))).answer == refusal
    assert await shop.books() == before


async def test_a_name_that_reads_like_anothers_is_refused(shop: Shop) -> None:
    paul = await shop.do(register("Paul"))
    assert isinstance(paul, Registered)
    await refuse(shop, "PauI", NameTooSimilar(name="PauI"))
    await refuse(shop, "PAUL", NameTaken(name="PAUL"))
    await refuse(shop, "рaul", NameTooSimilar(name="рaul"))
    await refuse(shop, "рetra", NameTooSimilar(name="рetra"))  # Like nobody's, and mixed.
    # In one batch: the first has it; who goes gives it up.
    outcomes = await shop.till.execute_together(
        [
            Envelope(one)
            for one in (
                register("max"),
                register("rnax"),
                CloseUser(OPERATOR, paul.user_id),
                register("PauI"),
                register("Paul"),
            )
        ]
    )
    kinds = [type(one.answer).__name__ for one in outcomes]
    assert kinds == ["Registered", "NameTooSimilar", "UserClosed", "Registered", "NameTooSimilar"]
    await refuse(shop, "paul", NameTooSimilar(name="paul"))
    await shop.assert_clean()


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("closed user 4", "InvalidField"),
        ("CLOSED USER 4", "InvalidField"),
        ("closed-user4", "InvalidField"),
        ("former buyers", "InvalidField"),
        ("c1osed user 4", "NameTooSimilar"),
        ("cl0sed user", "NameTooSimilar"),
        ("cIosed user 4", "NameTooSimilar"),  # With a capital I.
    ],
)
async def test_nobody_is_called_like_somebody_who_is_gone(shop: Shop, name: str, refusal: str) -> None:
    if refusal == "InvalidField":
        with pytest.raises(InvalidField):
            check_username(name)
    else:
        await refuse(shop, check_username(name), NameTooSimilar(name=name))


@pytest.mark.postgres
async def test_of_two_who_look_the_same_at_two_tills_one_is_taken_in(postgres_url: str) -> None:
    async with open_shop(postgres_url) as shop:
        waiting: list[asyncio.Task[Outcome]] = []

        async def register_there() -> None:
            waiting.append(asyncio.create_task(shop.till.execute(Envelope(register("PauI")))))
            await until_it_waits(shop, waiting[0])

        async with interrupted(shop, "skeletons", register_there) as till:
            (await till.execute(Envelope(register("Paul")))).receipt()
        assert (await waiting[0]).answer == NameTooSimilar(name="PauI")


async def test_names_that_are_there_stay_and_new_ones_are_looked_at(database_url: str) -> None:
    async with serving(database_url) as api:
        shop = api.running
        paul = await registration.add(
            shop, username="Paul", email=None, password=PASSWORD, roles=[Role.BUYER]
        )
        other = await registration.add(
            shop, username="Petra", email=None, password=PASSWORD, roles=[Role.BUYER]
        )
        # As if both had been there before anybody looked.
        await api.shop.execute(
            "UPDATE users SET username = 'PauI', username_key = 'paui' WHERE id = :id", id=other.id
        )
        await api.shop.execute("UPDATE user_skeletons SET skeleton = 'paul' WHERE user_id = :id", id=other.id)
        await users.change(shop, user_id=other.id, username="PauI", email="p@example.org")
        before = await api.shop.books()
        for name in ("paul\ufe0f", "рaula"):
            with pytest.raises(NameTooSimilar):
                await users.change(shop, user_id=other.id, username=name)
        with pytest.raises(NameTaken):
            await users.change(shop, user_id=other.id, username="PAUL")
        assert await api.shop.books() == before
        await users.change(shop, user_id=other.id, username="Anna")
        await users.change(shop, user_id=paul.id, username="Anton")
        with pytest.raises(NameTooSimilar):
            await users.change(shop, user_id=paul.id, username="аnna")
        await registration.add(shop, username="PauI", email=None, password=PASSWORD, roles=[Role.BUYER])


DOORS: dict[str, dict[str, Any]] = {
    "/v1/users": {"username": "{name}", "password": PASSWORD, "roles": ["buyer"]},
    "/dialects/simple-payment/api/create_user": {
        "username": "{name}",
        "email": "p@example.org",
        "role": "buyer",
        "password": PASSWORD,
    },
    "/dialects/vending-challenge/api/v1/users/": {
        "username": "{name}",
        "password": PASSWORD,
        "role": "buyer",
    },
    "/dialects/app-demo/api/register/": {"name": "{name}", "password": PASSWORD},
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_every_door_refuses_it(database_url: str) -> None:
    more: dict[str, Any] = {"dialects": ",".join(NAMES), "coins": CoinsPolicy.SELF, "tab_limit_cents": 500}
    async with serving(database_url, **more) as api:
        await registration.add(
            api.running, username="Paul", email=None, password=PASSWORD, roles=[Role.BUYER]
        )
        before = await api.shop.books()
        client = httpx.AsyncClient(base_url=api.client.base_url, verify=False)
        for path, body in DOORS.items():
            for name in ("PauI", "рaul", "раu\u04cf" * 12):
                filled = {field: name if value == "{name}" else value for field, value in body.items()}
                answer = await client.post(path, json=filled)
                assert answer.status_code == 409, (path, answer.text)
                assert "name-too-similar" in answer.text
        await client.aclose()
        assert await api.shop.books() == before
