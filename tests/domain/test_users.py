"""Names, addresses, passwords and roles."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tuckshop.domain.field_problems import NoRoles, RoleTwice, WrongLength
from tuckshop.domain.refusals import InvalidField, RoleMissing
from tuckshop.domain.users import (
    EMAIL_LENGTH_MAX,
    OPERATOR,
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    USERNAME_LENGTH_MAX,
    Actor,
    Role,
    Scope,
    check_email,
    check_name,
    check_password,
    check_roles,
    check_username,
    name_key,
    read_scopes,
    roles_within,
    write_scopes,
)

CAFE, CAFE_IN_TWO_STROKES = "caf\u00e9", "cafe\u0301"


def test_an_actor_needs_one_of_the_roles() -> None:
    ada = Actor(user_id=1, roles=frozenset({Role.BUYER, Role.SELLER}))
    ada.require(Role.SELLER)
    ada.require(Role.ADMIN, Role.BUYER)
    assert ada.has(Role.SELLER, Role.ADMIN)
    assert not ada.has(Role.CASHIER)
    with pytest.raises(RoleMissing) as refused:
        ada.require(Role.CASHIER, Role.ADMIN)
    assert refused.value == RoleMissing(roles=("cashier", "admin"))


def test_no_role_is_enough_for_nothing() -> None:
    nobody = Actor(user_id=1, roles=frozenset())
    assert not nobody.has(*Role)
    with pytest.raises(RoleMissing):
        nobody.require(*Role)


def test_the_operator_is_nobody_who_may_do_everything_but_buy_and_sell() -> None:
    assert OPERATOR.user_id is None
    assert OPERATOR.has(Role.ADMIN)
    assert OPERATOR.has(Role.CASHIER)
    assert not OPERATOR.has(Role.BUYER, Role.SELLER)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "ADA"),
        (CAFE, CAFE_IN_TWO_STROKES),
        ("Straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("\u1fb7", "\u1fbc\u0342"),  # a Greek letter with two marks, and its own title case
    ],
)
def test_names_that_look_the_same_have_the_same_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("ada", "ada1"), ("cafe", CAFE), ("①", "1"), ("ﬀ", "f"), ("k", "ｋ")]
)
def test_names_that_look_different_have_different_keys(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)  # canonical (NFC), not compatible (NFKC): a circled 1 is no 1


@given(st.text())
@example("\u0390")
@example("q\u0345\u0308")
@example("\u0130\u0301")
def test_the_key_of_a_key_is_the_key_and_no_spelling_changes_it(name: str) -> None:
    key = name_key(name)
    assert name_key(key) == key == unicodedata.normalize("NFC", key)
    assert name_key(unicodedata.normalize("NFD", name)) == name_key(unicodedata.normalize("NFC", name)) == key


def test_every_letter_has_a_stable_key_that_its_cases_share() -> None:
    letters = (chr(code) for code in range(0x110000))
    for letter in (c for c in letters if c != c.casefold() or (c.isalpha() and unicodedata.decomposition(c))):
        key = name_key(letter)
        assert name_key(key) == key
        cases = {name_key(letter.lower()), name_key(letter.title()), name_key(letter.upper())}
        assert cases == {key} or letter == "ı", f"U+{ord(letter):04X}"  # Turkish: its capital is our I


def test_a_name_is_kept_in_its_composed_spelling() -> None:
    assert check_username(CAFE_IN_TWO_STROKES) == CAFE
    assert check_username("Ada Lovelace") == "Ada Lovelace"
    assert check_username("李雷 🍫") == "李雷 🍫"


@pytest.mark.parametrize("name", ["house", "House", "HOUSE"])
def test_nobody_is_called_like_the_house(name: str) -> None:
    with pytest.raises(InvalidField):
        check_username(name)


@pytest.mark.parametrize("name", ["\u3164", "\u115f", "\u2800\u2800", "admin\u034f"])
def test_a_name_can_be_seen(name: str) -> None:
    with pytest.raises(InvalidField):
        check_username(name)


def test_a_username_has_1_to_64_characters() -> None:
    assert len(check_username("a" * USERNAME_LENGTH_MAX)) == USERNAME_LENGTH_MAX
    assert len(check_username("e\u0301" * USERNAME_LENGTH_MAX)) == USERNAME_LENGTH_MAX  # counted composed
    for name in ("", "a" * (USERNAME_LENGTH_MAX + 1)):
        with pytest.raises(InvalidField) as refused:
            check_username(name)
        assert refused.value == InvalidField(field="username", problem=WrongLength(1, 64))


@pytest.mark.parametrize("name", [" ada", "ada ", "\u00a0ada", "ada\u3000", " ", "\n"])
def test_a_name_has_no_space_at_its_ends(name: str) -> None:
    with pytest.raises(InvalidField, match="space-at-ends"):
        check_username(name)


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "a\x00b",
        "a\nb",
        "a\x7fb",
        "a\x85b",
        "a\u200bb",
        "a\u202eb",
        "a\u2028b",
        "a\u2029b",
        "\ud800",
        "\ufeffa",
    ],
)
def test_a_name_has_no_slash_and_nothing_invisible(name: str) -> None:
    with pytest.raises(InvalidField, match="forbidden-characters"):
        check_name(name, field="name", length_max=10)


@given(st.text(max_size=12))
def test_a_name_is_accepted_as_it_is_kept(name: str) -> None:
    try:
        kept = check_username(name)
    except InvalidField:
        return
    assert check_username(kept) == kept
    assert name_key(kept) == name_key(name)


@pytest.mark.parametrize("email", ["ada@example.org", "a@b", "Ada.L+shop@example.org", "jörg@exämple.org"])
def test_an_address_has_a_name_and_a_domain(email: str) -> None:
    assert check_email(email) == email


def test_a_user_holds_at_least_one_role_and_each_once() -> None:
    assert check_roles([Role.BUYER, Role.SELLER]) == {Role.BUYER, Role.SELLER}
    for roles, problem in (([], NoRoles()), ([Role.BUYER, Role.BUYER], RoleTwice())):
        with pytest.raises(InvalidField) as refused:
            check_roles(roles)
        assert refused.value == InvalidField(field="roles", problem=problem)


@pytest.mark.parametrize(
    ("scopes", "roles"),
    [
        ({Scope.READ}, set()),
        ({Scope.BUY}, {Role.BUYER}),
        ({Scope.READ, Scope.SELL}, {Role.SELLER}),
        ({Scope.ADMIN}, {Role.CASHIER, Role.ADMIN}),
        (set(Scope), set(Role)),
    ],
)
def test_a_token_lends_the_roles_of_its_scopes(scopes: set[Scope], roles: set[Role]) -> None:
    assert roles_within(frozenset(Role), frozenset(scopes)) == roles
    assert roles_within(frozenset({Role.BUYER}), frozenset(scopes)) == roles & {Role.BUYER}


def test_scopes_are_kept_in_the_order_of_the_set() -> None:
    assert write_scopes(frozenset({Scope.SELL, Scope.READ})) == "read sell"
    assert read_scopes("read sell") == {Scope.SELL, Scope.READ}


@pytest.mark.parametrize("email", ["ada", "@example.org", "ada@", "@", "a@b@c", "a b@c", "a@b\u00a0c"])
def test_refuses_what_is_no_address(email: str) -> None:
    with pytest.raises(InvalidField, match="not-an-email"):
        check_email(email)


def test_an_address_has_at_most_254_characters() -> None:
    longest = "a" * (EMAIL_LENGTH_MAX - len("@example.org")) + "@example.org"
    assert check_email(longest) == longest
    for email in ("a" + longest, "", "a\r\nBcc: b@c"):
        with pytest.raises(InvalidField) as refused:
            check_email(email)
        assert refused.value.field == "email"


def test_a_password_has_8_to_1024_characters() -> None:
    for length in (PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX):
        assert check_password("x" * length, username="ada", common=frozenset()) == "x" * length
    for length in (0, PASSWORD_LENGTH_MIN - 1, PASSWORD_LENGTH_MAX + 1):
        with pytest.raises(InvalidField) as refused:
            check_password("x" * length, username="ada", common=frozenset())
        assert refused.value == InvalidField(field="password", problem=WrongLength(8, 1024))


@pytest.mark.parametrize("password", ["password", "PassWord"])
def test_refuses_a_password_that_everybody_tries_first(password: str) -> None:
    with pytest.raises(InvalidField, match="common-password"):
        check_password(password, username="ada", common=frozenset({"password"}))


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("lovelace", "Lovelace"),
        ("Ada", "ada-ada-ada"),
        ("Ada", "1815-ADA-1852"),
        ("0", "00000000"),
        ("ß", "ẞßßß 123"),
    ],
)
def test_refuses_a_password_that_is_the_username_with_digits_and_signs(username: str, password: str) -> None:
    with pytest.raises(InvalidField, match="name-as-password"):
        check_password(password, username=username, common=frozenset())


@pytest.mark.parametrize(
    ("username", "password"), [("ada", "adapter 7"), ("horse", "correct horse"), ("ada", "12345678")]
)
def test_takes_a_password_with_letters_besides_the_username(username: str, password: str) -> None:
    assert check_password(password, username=username, common=frozenset()) == password
