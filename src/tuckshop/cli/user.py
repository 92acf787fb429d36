"""`tuckshop user`: the users of the shop."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tuckshop.cli import amounts, output
from tuckshop.cli.commands import FILLED, Change, Commands, Whole
from tuckshop.cli.order import when
from tuckshop.cli.selling import selling
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.domain.users import PASSWORD_LENGTH_MAX, Role, UserState

if TYPE_CHECKING:
    from tuckshop.identity.sessions import SessionRecord
    from tuckshop.identity.users import User

PAGE = 1_000
AS_SETTING = "default"
ROLE = click.Choice([str(role) for role in Role])
STATE = click.Choice([str(state) for state in UserState])
password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input; otherwise it is random."
)
name_argument = click.argument("name", metavar="NAME", type=FILLED)


@click.group(cls=Commands)
def user() -> None:
    """Add and list users, and change their roles and passwords."""


user.add_command(selling)


@user.command("add", cls=Change)
@name_argument
@click.option("--role", "roles", type=ROLE, multiple=True, help="The role; repeat for several [buyer].")
@click.option("--email", type=FILLED, metavar="ADDRESS", help="An email address.")
@password_stdin
def add(name: str, roles: tuple[str, ...], email: str | None, *, password_stdin: bool) -> None:
    """Add a user. A random password is printed once, unless one is given."""
    if len(set(roles)) < len(roles):
        raise click.UsageError("A role can be given only once.")
    given = _read_password() if password_stdin else None
    added, password = run(_add(name, roles or (Role.BUYER.value,), email, given))
    click.echo(f"Added {added.username} as {_roles(added)}.")
    if given is None:
        click.echo(f"Password   {password} (shown only once)")


@user.command("list")
@click.option("--role", type=ROLE, help="Only users with this role.")
@click.option("--state", type=STATE, help="Only users with this status; pending: waiting for approval.")
def list_(role: str | None, state: str | None) -> None:
    """List the users of the shop."""
    found = run(_all(None if state is None else UserState(state)))
    people = [one for one in found if role is None or role in one.roles]
    output.table(
        ("Id", "Name", "Roles", "State", "Email"),
        ((one.id, one.username, _roles(one), one.state, one.email) for one in people),
        right=("Id",),
    )
    click.echo(f"\n{len(people):,} {'user' if len(people) == 1 else 'users'}")


@user.command("show")
@name_argument
def show(name: str) -> None:
    """Show a user: roles, status, money."""
    output.facts(run(_show(name)))


@user.command("roles", cls=Change)
@name_argument
@click.argument("roles", metavar="ROLE...", nargs=-1, required=True, type=ROLE)
def roles(name: str, roles: tuple[str, ...]) -> None:
    """Replace a user's roles: buyer, seller, cashier, admin.

    Ends the user's sessions.
    """
    if len(set(roles)) < len(roles):
        raise click.UsageError("A role can be given only once.")
    changed = run(_set_standing(name, roles=[Role(role) for role in roles]))
    click.echo(f"{changed.username} is {_roles(changed)} now.")


@user.command("disable", cls=Change)
@name_argument
def disable(name: str) -> None:
    """Block a user at once. The user keeps money and products."""
    changed = run(_set_standing(name, state=UserState.DISABLED))
    click.echo(f"{changed.username} is blocked.")


@user.command("enable", cls=Change)
@name_argument
def enable(name: str) -> None:
    """Unblock a user."""
    changed = run(_set_standing(name, state=UserState.ACTIVE))
    click.echo(f"{changed.username} can log in.")


@user.command("approve", cls=Change)
@name_argument
def approve(name: str) -> None:
    """Approve a user who has registered."""
    changed = run(_approve(name))
    click.echo(f"{changed.username} can log in, as {_roles(changed)}.")


@user.command("payout-delay", cls=Change)
@name_argument
@click.argument("days", metavar="DAYS", type=FILLED)
def payout_delay(name: str, days: str) -> None:
    """Set after how many days a sale of NAME can be paid out: 0 for at once.

    With `default` instead of a number, TUCKSHOP_PAYOUT_DELAY_DAYS counts.
    """
    if days != AS_SETTING and not (days.isascii() and days.isdecimal()):
        raise click.UsageError(f"Give a number of days, or `{AS_SETTING}`.")
    told = run(_set_payout_delay(name, None if days == AS_SETTING else int(days)))
    click.echo(f"Sales of {name} can be paid out after {told:,} {'day' if told == 1 else 'days'}.")


@user.command("close", cls=Change)
@name_argument
def close(name: str) -> None:
    """Close a user permanently. The name becomes available, and past orders stay.

    First pay out the user's earnings and settle the tab.
    """
    closed = run(_close(name))
    click.echo(f"{closed.username} is closed, and the name is available.")


@user.group("sessions", cls=Commands)
def sessions() -> None:
    """List and end a user's sessions."""


@sessions.command("list")
@name_argument
def list_sessions(name: str) -> None:
    """List a user's sessions, latest first."""
    found = run(_sessions(name))
    output.table(
        ("Id", "Since (UTC)", "Until (UTC)", "Address", "Device"),
        ((one.id, when(one.created_us), when(one.expires_us), one.address, one.device) for one in found),
        right=("Id",),
    )
    click.echo(f"\n{len(found):,} {'session' if len(found) == 1 else 'sessions'}")


@sessions.command("end", cls=Change)
@name_argument
@click.option("--id", "session", type=Whole(1, 10**18 - 1), help="End only this session.")
def end_sessions(name: str, session: int | None) -> None:
    """End all sessions and API tokens of a user, or one session."""
    ended = run(_end_sessions(name, session))
    click.echo(f"{ended:,} ended.")


@user.command("password", cls=Change)
@name_argument
@password_stdin
def password(name: str, *, password_stdin: bool) -> None:
    """Set a new password for a user, and end the user's sessions.

    It is random and printed once, unless one is given.
    """
    given = _read_password() if password_stdin else None
    made = run(_reset_password(name, given))
    if given is None:
        click.echo(f"Password   {made} (shown only once)")
    else:
        click.echo("Password changed.")


@user.command("reset-second-factor", cls=Change)
@name_argument
def reset_second_factor(name: str) -> None:
    """Turn off the second factor of a user who has lost it, and end the user's sessions."""
    run(_reset_second_factor(name))
    click.echo("The second factor is off.")


async def _add(name: str, roles: Sequence[str], email: str | None, password: str | None) -> tuple[User, str]:
    from tuckshop.identity import registration
    from tuckshop.identity.passwords import invent

    password = password or invent()
    async with opened_shop() as shop:
        held = [Role(role) for role in roles]
        return await registration.add(
            shop, username=name, email=email, password=password, roles=held
        ), password


async def _all(state: UserState | None) -> list[User]:
    from tuckshop.queries import users

    people: list[User] = []
    async with opened_shop() as shop:
        while page := await users.oldest_first(
            shop, after_id=people[-1].id if people else 0, limit=PAGE, state=state
        ):
            people += page
    return people


async def _show(name: str) -> list[tuple[str, object]]:
    from tuckshop.identity import users
    from tuckshop.queries import earnings, tabs, wallet

    async with opened_shop() as shop:
        found = await users.find_by_name(shop, username=name)
        told: list[tuple[str, object]] = [
            ("Id", found.id),
            ("Name", found.username),
            ("Email", found.email or "none"),
            ("Roles", _roles(found)),
            ("State", found.state),
        ]
        balance = await wallet.balance(shop, user_id=found.id)
        if Role.BUYER in found.roles or balance.balance_cents:
            told.append(("Wallet", amounts.tell(balance.balance_cents, shop.currency)))
        tab = await tabs.find(shop, user_id=found.id)
        if tab.owed_cents or tab.limit_cents:
            told.append(("Owes", amounts.tell(tab.owed_cents, shop.currency)))
            told.append(("Tab limit", amounts.tell(tab.limit_cents, shop.currency)))
        earned = await earnings.earnings(shop, seller_id=found.id)
        if Role.SELLER in found.roles or earned.balance_cents:
            told.append(("Earned", amounts.tell(earned.balance_cents, shop.currency)))
            told.append(("Payable", amounts.tell(earned.payable_cents, shop.currency)))
        return told


async def _set_standing(
    name: str, *, roles: Sequence[Role] | None = None, state: UserState | None = None
) -> User:
    from tuckshop.identity import roles as user_roles
    from tuckshop.identity import users

    async with opened_shop() as shop:
        found = await users.find_by_name(shop, username=name)
        return await user_roles.change(shop, user_id=found.id, roles=roles, state=state)


async def _approve(name: str) -> User:
    from tuckshop.identity import roles as user_roles
    from tuckshop.identity import users

    async with opened_shop() as shop:
        found = await users.find_by_name(shop, username=name)
        if found.state is not UserState.PENDING:
            raise click.UsageError(f"{found.username} is {found.state}, not waiting for approval.")
        return await user_roles.change(shop, user_id=found.id, state=UserState.ACTIVE)


async def _close(name: str) -> User:
    from tuckshop.identity import users
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.base import Envelope
    from tuckshop.till.commands.users import CloseUser

    async with opened_shop() as shop:
        found = await users.find_by_name(shop, username=name)
        (await shop.till.execute(Envelope(CloseUser(OPERATOR, found.id)))).receipt()
        return found


async def _sessions(name: str) -> list[SessionRecord]:
    from tuckshop.identity import sessions, users

    async with opened_shop() as shop:
        found = await users.find_by_name(shop, username=name)
        return await sessions.page(shop, user_id=found.id, before_id=None, limit=PAGE)


async def _end_sessions(name: str, session: int | None) -> int:
    from tuckshop.identity import sessions, users

    async with opened_shop() as shop:
        found = await users.find_by_name(shop, username=name)
        if session is None:
            return await sessions.end_all(shop, user_id=found.id)
        await sessions.end(shop, user_id=found.id, session_id=session)
        return 1


async def _reset_password(name: str, password: str | None) -> str:
    from tuckshop.identity import users

    async with opened_shop() as shop:
        return await users.reset_password(shop, username=name, password=password)


async def _reset_second_factor(name: str) -> None:
    from tuckshop.identity import second_factor, users

    async with opened_shop() as shop:
        found = await users.find_by_name(shop, username=name)
        await second_factor.reset(shop, user_id=found.id)


def _read_password() -> str:
    """The first line of standard input; hidden while it is typed."""
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    line = sys.stdin.readline(PASSWORD_LENGTH_MAX + 2).rstrip("\r\n")
    if not line:
        raise click.UsageError("There is no password on standard input.")
    return line


def _roles(one: User) -> str:
    return ", ".join(one.roles)


async def _set_payout_delay(name: str, days: int | None) -> int:
    from tuckshop.domain.users import OPERATOR
    from tuckshop.identity import users
    from tuckshop.operations import sellers

    async with opened_shop() as shop:
        found = await users.find_by_name(shop, username=name)
        await sellers.set_payout_delay(shop, actor=OPERATOR, user_id=found.id, days=days)
        return shop.till.policy.payout_delay_days if days is None else days
