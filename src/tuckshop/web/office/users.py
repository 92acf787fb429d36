"""`/office/users`: users: found, approved, blocked, given a new password."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from starlette.responses import StreamingResponse

from tuckshop.domain.field_problems import NoRoles
from tuckshop.domain.payables import PAYOUT_DELAY_DAYS_MAX
from tuckshop.domain.refusals import LastAdmin, Refusal, SecondFactorOff
from tuckshop.domain.users import EMAIL_LENGTH_MAX, Role, UserState, name_key
from tuckshop.http import downloads
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import roles, second_factor, sessions, users
from tuckshop.identity.users import User
from tuckshop.operations import sellers, tabs
from tuckshop.queries import earnings, exports, wallet
from tuckshop.queries import tabs as tab_queries
from tuckshop.queries import users as user_queries
from tuckshop.till.commands.users import CloseUser
from tuckshop.web.ui import browser_names, confirming, flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import Number, SignedInUser

PAGE = 25
SESSIONS_SHOWN = 10
_ROLE_FIELDS = {role: f"role-{role}" for role in Role}
_STATES = {"active": UserState.ACTIVE, "disabled": UserState.DISABLED}
_SHOWN_STATES = [state.value for state in UserState]


@get("/office/users")
async def index(request: ShopRequest) -> Response[Any]:
    """Everybody, or those who are looked for."""
    member = await rooms.member(request, Role.ADMIN)
    asked = {name: request.query_params.get(name, "") for name in ("q", "state", "role")}
    keyword = asked["q"].strip()[:EMAIL_LENGTH_MAX].replace("\0", "")
    before_id = rooms.before(request)
    found = await user_queries.page(
        request.shop,
        actor=member.actor,
        keyword=keyword,
        state=UserState(asked["state"]) if asked["state"] in _SHOWN_STATES else None,
        role=Role(asked["role"]) if asked["role"] in list(Role) else None,
        before_id=before_id,
        limit=PAGE + 1,
    )
    return rooms.page(
        request,
        "office/users.html",
        member=member,
        form=BoundForm(request, asked),
        people=found[:PAGE],
        href=_with("/office/users", {name: value for name, value in asked.items() if value}),
        before=found[PAGE - 1].user.id if len(found) > PAGE else None,
    )


@get("/office/users/file")
async def save(request: ShopRequest) -> StreamingResponse:
    """Everybody, with what they hold, owe and have earned, for a spreadsheet."""
    await rooms.member(request, Role.ADMIN)
    return downloads.long_sheet(exports.all_users(request.shop), "users")


@get("/office/users/{user:str}")
async def show(request: ShopRequest, user: Number) -> Response[Any]:
    """One of them: what they hold, may do, and where they are logged in."""
    member = await rooms.member(request, Role.ADMIN)
    return await _shown(request, member, await users.find(request.shop, user_id=rooms.number(user)))


@post("/office/users/{user:str}/roles", status_code=303)
async def change_roles(request: ShopRequest, user: Number) -> Response[Any]:
    """Exactly these roles, and every session over."""
    member = await rooms.member(request, Role.ADMIN)
    if (asking := await confirming.asked(request, member)) is not None:
        return asking
    posted = await forms.read(request, *_ROLE_FIELDS.values())
    found = await users.find(request.shop, user_id=rooms.number(user))
    form = BoundForm(request, posted)
    held = [role for role, name in _ROLE_FIELDS.items() if posted[name]]
    if not held:
        form.complain("roles", NoRoles())
        return await _shown(request, member, found, roles=form)
    try:
        await roles.change(request.shop, user_id=found.id, roles=held, actor_id=member.user_id)
    except Refusal as refusal:
        form.refuse(refusal, beside={LastAdmin: "roles"})
        return await _shown(request, member, found, roles=form)
    return _done(request, found, i18n.of(request).gettext("Saved. The user has to log in again."))


@post("/office/users/{user:str}/state", status_code=303)
async def change_state(request: ShopRequest, user: Number) -> Response[Any]:
    """Approved, or blocked."""
    member = await rooms.member(request, Role.ADMIN)
    if (asking := await confirming.asked(request, member)) is not None:
        return asking
    posted = await forms.read(request, "state")
    found = await users.find(request.shop, user_id=rooms.number(user))
    form = BoundForm(request, posted)
    state = _STATES[form.one_of("state", _STATES)]
    if form.is_wrong:
        return await _shown(request, member, found, acts=form)
    try:
        await roles.change(request.shop, user_id=found.id, state=state, actor_id=member.user_id)
    except Refusal as refusal:
        form.refuse(refusal)
        return await _shown(request, member, found, acts=form)
    words = i18n.of(request)
    if state is UserState.ACTIVE:
        return _done(request, found, words.gettext("%(name)s can log in.", name=found.username))
    return _done(request, found, words.gettext("%(name)s is blocked.", name=found.username))


@post("/office/users/{user:str}/tab", status_code=303)
async def change_tab(request: ShopRequest, user: Number) -> Response[Any]:
    """How much they may owe; no tab of their own, if nothing is typed; or the shop's limit, by its button."""
    member = await rooms.member(request, Role.ADMIN)
    posted = await forms.read(request, "limit", "usual")
    found = await users.find(request.shop, user_id=rooms.number(user))
    form = BoundForm(request, posted)
    cents = form.amount("limit", least_cents=0) if posted["limit"].strip() else None
    approved = cents is not None or posted["usual"] == "yes"
    if form.is_wrong:
        return await _shown(request, member, found, tab=form)
    try:
        await tabs.set_limit(
            request.shop, actor=member.actor, user_id=found.id, limit_cents=cents, approved=approved
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return await _shown(request, member, found, tab=form)
    return _done(request, found, i18n.of(request).gettext("Saved."))


@post("/office/users/{user:str}/payout-delay", status_code=303)
async def change_payout_delay(request: ShopRequest, user: Number) -> Response[Any]:
    """After how many days a sale is paid; as for everybody, if nothing is typed."""
    member = await rooms.member(request, Role.ADMIN)
    posted = await forms.read(request, "days")
    found = await users.find(request.shop, user_id=rooms.number(user))
    form = BoundForm(request, posted)
    days = form.whole("days", most=PAYOUT_DELAY_DAYS_MAX) if posted["days"].strip() else None
    if form.is_wrong:
        return await _shown(request, member, found, delay=form)
    await sellers.set_payout_delay(request.shop, actor=member.actor, user_id=found.id, days=days)
    return _done(request, found, i18n.of(request).gettext("Saved."))


@post("/office/users/{user:str}/sessions", status_code=303)
async def end_sessions(request: ShopRequest, user: Number) -> Response[Any]:
    """Out everywhere, at once."""
    member = await rooms.member(request, Role.ADMIN)
    await forms.read(request)
    found = await users.find(request.shop, user_id=rooms.number(user))
    await sessions.end_all(request.shop, user_id=found.id, actor_id=member.user_id)
    words = i18n.of(request)
    return _done(request, found, words.gettext("%(name)s is logged out everywhere.", name=found.username))


@post("/office/users/{user:str}/password", status_code=200)
async def reset_password(request: ShopRequest, user: Number) -> Response[Any]:
    """A new password. It stands in this answer alone: loaded again, the page would make another one."""
    member = await rooms.member(request, Role.ADMIN)
    if (asking := await confirming.asked(request, member)) is not None:
        return asking
    await forms.read(request)
    found = await users.find(request.shop, user_id=rooms.number(user))
    password = await users.reset_password(request.shop, username=found.username, actor_id=member.user_id)
    return rooms.page(request, "office/new_password.html", member=member, user=found, password=password)


@post("/office/users/{user:str}/second-factor", status_code=303)
async def reset_second_factor(request: ShopRequest, user: Number) -> Response[Any]:
    """The password alone, for who has lost app and recovery codes."""
    member = await rooms.member(request, Role.ADMIN)
    if (asking := await confirming.asked(request, member)) is not None:
        return asking
    await forms.read(request)
    found = await users.find(request.shop, user_id=rooms.number(user))
    with suppress(SecondFactorOff):  # Pressed twice: it is what was wanted.
        await second_factor.reset(request.shop, user_id=found.id, actor_id=member.user_id)
    words = i18n.of(request)
    return _done(
        request, found, words.gettext("%(name)s logs in without a second step.", name=found.username)
    )


@post("/office/users/{user:str}/close", status_code=303)
async def close(request: ShopRequest, user: Number) -> Response[Any]:
    """Gone for good, once the name was typed."""
    member = await rooms.member(request, Role.ADMIN)
    posted = await forms.read(request, "key", "name")
    found = await users.find(request.shop, user_id=rooms.number(user))
    form = BoundForm(request, posted)
    if name_key(posted["name"].strip()) != name_key(found.username):
        form.tell("name", form.words.gettext("Enter the name of this user."))
        return await _shown(request, member, found, closing=form)
    try:
        await forms.execute(request, CloseUser(member.caller, found.id), posted)
    except Refusal as refusal:
        form.refuse(refusal)
        return await _shown(request, member, found, closing=form)
    response = forms.to_page("/office/users")
    words = i18n.of(request)
    flash.leave(response, request, words.gettext("User %(name)s is closed.", name=found.username))
    return response


HANDLERS = (
    index,
    save,
    show,
    change_roles,
    change_state,
    change_tab,
    change_payout_delay,
    end_sessions,
    reset_password,
    reset_second_factor,
    close,
)


def _with(path: str, asked: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(asked)}" if asked else path


def _done(request: ShopRequest, user: User, sentence: str) -> Response[Any]:
    response = forms.to_page(f"/office/users/{user.id}")
    flash.leave(response, request, sentence)
    return response


async def _shown(
    request: ShopRequest,
    member: SignedInUser,
    user: User,
    *,
    roles: BoundForm | None = None,
    acts: BoundForm | None = None,
    tab: BoundForm | None = None,
    delay: BoundForm | None = None,
    closing: BoundForm | None = None,
) -> Response[Any]:
    wrong = next((form for form in (roles, acts, tab, delay, closing) if form is not None), None)
    shop, words = request.shop, i18n.of(request)
    owes = await tab_queries.find(shop, user_id=user.id)
    own_delay = await earnings.own_payout_delay(shop, user_id=user.id)
    own_limit = words.plain(owes.limit_cents, shop.currency) if owes.own_limit else ""
    return rooms.page(
        request,
        "office/user.html",
        member=member,
        status=200 if wrong is None else wrong.status,
        user=user,
        held=await wallet.balance(shop, user_id=user.id),
        earned=await earnings.earnings(shop, seller_id=user.id) if Role.SELLER in user.roles else None,
        tab_of=owes,
        usual_cents=shop.till.policy.tab_limit_cents,
        sessions=await sessions.page(shop, user_id=user.id, before_id=None, limit=SESSIONS_SHOWN),
        device=lambda device: browser_names.named(device, words),
        role_fields=_ROLE_FIELDS,
        roles=roles or BoundForm(request, {_ROLE_FIELDS[role]: "on" for role in user.roles}),
        acts=acts or BoundForm(request),
        tab=tab or BoundForm(request, {"limit": own_limit}),
        delay=delay or BoundForm(request, {"days": "" if own_delay is None else str(own_delay)}),
        shop_delay_days=shop.till.policy.payout_delay_days,
        second_factor=await second_factor.state(shop, user_id=user.id),
        closing=closing or BoundForm(request),
        key=closing.typed["key"] if closing is not None else forms.new_key(),
    )
