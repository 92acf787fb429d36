"""Every function that takes a text apart is fuzzed, or reads nothing that anybody could send."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src" / "tuckshop"
HERE = Path(__file__).parent
# What takes a text apart. Texts are also cut with `split` and `partition`: by those who read headers, say.
READING = {
    "fromisoformat",
    "fullmatch",
    "ip_address",
    "ip_network",
    "parse_options_header",
    "parse_qsl",
    "partition",
    "reader",
    "rpartition",
    "split",
    "urlsafe_b64decode",
    "urlsplit",
}
FUZZED = {
    "test_addresses": (
        "api/product_cursors.py:place_behind",
        "api/requests.py:cursor_id",
        "cli/demo.py:_require_loopback",
        "http/router.py:_find",
        "store/engine.py:file_of",
        "store/forms.py:form_of",
        "till/state/changed_ids.py:read",
        "web/office/admin_log.py:_page_of",
        "web/routes.py:is_for_browsers",
        "web/storefront/cart.py:read",
        "web/ui/flash.py:taken",
        "web/ui/forms.py:key_of",
        "web/ui/forms.py:own_path",
        "web/ui/layout.py:here",
        "web/ui/rooms.py:_place",
        "web/ui/rooms.py:number",
    ),
    "test_bodies": (
        "dialects/app_demo/amounts.py:read_stock",
        "dialects/kiosk/parameters.py:_converted",
        "dialects/kiosk/parameters.py:_fields",
        "dialects/kiosk/parameters.py:read",
        "http/errors.py:complaint",
        "http/errors.py:in_words",
        "http/multipart.py:end_part",
        "http/multipart.py:read",
        "http/request.py:parsed",
        "imports/csv_files.py:read",
        "imports/product_rows.py:_whole",
        "settings.py:_listed",
        "settings.py:_networks",
        "settings.py:_origin",
        "settings.py:_without_password",
        "settings.py:days",
        "settings.py:read",
        "web/ui/forms.py:_require_type",
        "web/ui/forms.py:_pairs",
    ),
    "test_headers": (
        "api/etags.py:expected_version",
        "api/etags.py:tagged",
        "http/browser_login.py:_known_seed",
        "http/content_negotiation.py:prefers_pages",
        "http/cookies.py:read",
        "http/hosts.py:_is_own",
        "http/middleware.py:__call__",
        "http/request.py:_address",
        "http/request.py:_is_in",
        "http/request.py:address",
        "http/request.py:enveloped",
        "identity/devices.py:caller",
        "identity/addresses.py:network",
        "web/ui/i18n.py:_wanted",
        "web/ui/visitors.py:of",
    ),
    "test_values": (
        "cli/coins.py:convert",
        "cli/commands.py:convert",
        "cli/report.py:convert",
        "domain/days.py:read",
        "domain/money.py:parse_decimal",
        "domain/products.py:check_barcode",
        "domain/users.py:check_email",
        "http/handlers.py:read",
        "store/skeletons.py:_words",
        "web/ui/bound_form.py:whole",
    ),
}
# What they read, or why it takes no more than a look: a whole text that a pattern takes, or none.
ELSEWHERE = {
    "api/contract.py:_tag": "our own paths",
    "api/reports.py:sales": "what a parameter's pattern has taken",
    "cli/db.py:_upgrade": "our own messages",
    "cli/errors.py:explain": "our own messages",
    "cli/status.py:_last": "our own messages",
    "cli/status.py:_lines": "our own messages",
    "cli/which_shop.py:announce": "the shop's name, in one line",
    "dialects/kiosk/users_export.py:users": "roles that we wrote",
    "dialects/shared/mounting.py:__call__": "a path by its first parts, which are looked up",
    "dialects/shared/mounting.py:first_parts": "our own paths",
    "domain/users.py:read_scopes": "scopes that we wrote",
    "domain/sign_on.py:read": "the operator's setting: tests/sign_on",
    "http/hosts.py:_is_private": "a host by its end, and whether a pattern takes it",
    "identity/addresses.py:is_loopback": "an address, looked up or refused: tests/sign_on",
    "identity/ldap.py:__init__": "the operator's address: tests/sign_on",
    "identity/oidc.py:__init__": "the operator's address: tests/sign_on",
    "identity/oidc.py:_is_safe": "an address of the provider: tests/sign_on",
    "identity/refused_tries.py:require_not_refused": "a note with the shop's seal: tests/redis",
    "identity/known_devices.py:device_of": "a mark that its pattern takes or not",
    "identity/screens.py:find": "a whole text that its pattern takes",
    "identity/second_factor.py:turn_on": "a code that its pattern takes or not",
    "identity/second_factor.py:use": "a code that its pattern takes or not",
    "imports/portions.py:_record": "a key that its pattern takes or not",
    "operations/connections.py:_make_room": "addresses as the system writes them",
    "operations/backups/archive.py:server_major": "a version that its pattern takes",
    "operations/backups/postgres_dumps.py:_explain": "what PostgreSQL's programs say, by its lines",
    "operations/backups/postgres_dumps.py:_split": "the operator's address: tests/operations",
    "operations/backups/postgres_dumps.py:_with_database": "an address that asyncpg has read",
    "operations/backups/postgres_dumps.py:major": "a version that we wrote",
    "operations/backups/rotation.py:found_in": "a name that its pattern takes",
    "operations/backups/sqlite_files.py:require_sound": "what SQLite says, in one line",
    "settings_file.py:_parse": "the operator's file: tests/cli/test_settings_file.py",
    "store/ids_behind.py:_table": "what SQLite says, which its pattern takes",
    "settings.py:own_hosts": "an address that `origin` has read",
    "web/storefront/machine.py:_number": "a whole text that its pattern takes",
    "http/browser_login.py:admit": "a media type, to compare it",
    "http/postman.py:_at": "our own walk",
    "http/postman.py:_item": "our own paths",
    "http/router.py:_add": "our own paths",
    "http/router.py:_answer": "a host that its pattern takes or not",
    "http/router.py:_arguments": "a number that its pattern takes or not",
    "queries/orders.py:find_named": "a number that its pattern takes or not",
    "queries/users.py:page": "a number that its pattern takes or not",
    "web/desk/product_file.py:take": "a key that its pattern takes or not",
    "web/desk/product_file.py:undo": "a key that its pattern takes or not",
    "web/storefront/machine.py:_id": "a number that its pattern takes or not",
    "web/ui/assets.py:_assets": "our own files",
    "web/ui/assets.py:_named": "our own files",
    "web/ui/forms.py:enveloped": "a key that its pattern takes or not",
    "web/ui/i18n.py:number": "figures that we wrote",
    "web/ui/refusal_texts.py:written": "days that we wrote",
}


def parsers(source: str) -> Iterator[str]:
    """The functions of a module that take a text apart."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            calls = [one.func for one in ast.walk(node) if isinstance(one, ast.Call)]
            if READING & {
                call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls
            }:
                yield node.name


def test_every_parser_is_in_the_list_and_the_list_has_no_other() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{name}"
        for path in ROOT.rglob("*.py")
        if "migrations" not in path.parts
        for name in parsers(path.read_text())
    }
    fuzzed = [one for names in FUZZED.values() for one in names]
    assert sorted(found) == sorted({*fuzzed, *ELSEWHERE})
    assert len(fuzzed) == len(set(fuzzed) - set(ELSEWHERE))
    for name in FUZZED:
        assert (HERE / f"{name}.py").is_file()


@pytest.mark.parametrize(
    "source",
    [
        "number = int(_NUMBER.fullmatch(text)[0])",
        "head, _, rest = text.partition(';')",
        "when = date.fromisoformat(text)",
    ],
)
def test_finds_a_parser(source: str) -> None:
    assert list(parsers(f"def read(text):\n    {source}\n")) == ["read"]
    assert list(parsers("def write(one):\n    return ', '.join(one)\n")) == []
