"""/v1/auth/second-factor: a code of an app at every log-in, beside the password."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.requests import fresh_admin
from tuckshop.domain.refusals import (
    ConfirmationRequired,
    RoleMissing,
    SecondFactorOff,
    SecondFactorOn,
    SecondFactorRequired,
    SecondFactorWrong,
    UnknownUser,
)
from tuckshop.http.fields import TEXT_PATTERN, Moment, PathId, ResponseBody, moment
from tuckshop.http.handlers import Router, delete, describe, get, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import confirmation, second_factor, sessions
from tuckshop.identity.second_factor import CODE_LENGTH_MAX

Code = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=CODE_LENGTH_MAX,
        description="A code of your app, or a recovery code.",
        examples=["123456"],
        extra_json_schema={"pattern": TEXT_PATTERN},
    ),
]


class CodeBody(Body):
    """A code of your app."""

    code: Code


class SecondFactorResponse(ResponseBody):
    """Whether your log-ins take a code, and how many recovery codes are left."""

    enabled: bool
    since: Moment | None
    recovery_codes: int
    required: bool


class SetUpResponse(ResponseBody):
    """What your app needs: the address for a QR code, or the secret to type. Returned only once."""

    secret: str
    uri: str


class RecoveryCodesResponse(ResponseBody):
    """Each is good for one log-in without your app. They are returned only once."""

    recovery_codes: list[str]


@get("/", summary="Your second factor", operation=describe("getSecondFactor", login="session"))
async def show(request: ShopRequest) -> SecondFactorResponse:
    """Whether log-ins take a code of your app. `required`: staff of this shop need one."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    found = await second_factor.state(request.shop, user_id=request.caller.user_id)
    return SecondFactorResponse(
        enabled=found.is_on,
        since=None if found.since_us is None else moment(found.since_us),
        recovery_codes=found.recovery_codes,
        required=request.shop.till.policy.staff_second_factor and (actor.is_staff or bool(actor.withheld)),
    )


@post(
    "/",
    summary="Set up a second factor",
    operation=describe("beginSecondFactor", ConfirmationRequired, SecondFactorOn, login="session"),
)
async def begin(request: ShopRequest) -> Response[SetUpResponse]:
    """Creates a secret for your app. Log-ins stay as they are until you send the app's first code.

    Needs a log-in or confirmation of the last 10 minutes.
    """
    user_id = await _fresh(request)
    made = await second_factor.begin(request.shop, user_id=user_id, issuer=request.settings.shop_name)
    return Response(SetUpResponse(made.secret, made.uri), 201, headers={"Cache-Control": "no-store"})


@post(
    "/enable",
    status_code=200,
    summary="Turn on your second factor",
    operation=describe(
        "enableSecondFactor",
        ConfirmationRequired,
        SecondFactorOn,
        SecondFactorOff,
        SecondFactorWrong,
        login="session",
        body=CodeBody,
    ),
)
async def enable(request: ShopRequest) -> Response[RecoveryCodesResponse]:
    """From now on log-ins take a code. Keep the recovery codes for when you have lost your app.

    Needs a log-in or confirmation of the last 10 minutes.
    """
    user_id = await _fresh(request)
    data = await request.parsed(CodeBody)
    return _codes(await second_factor.turn_on(request.shop, user_id=user_id, code=data.code))


@post(
    "/recovery-codes",
    summary="New recovery codes",
    operation=describe("renewRecoveryCodes", ConfirmationRequired, SecondFactorOff, login="session"),
)
async def renew_codes(request: ShopRequest) -> Response[RecoveryCodesResponse]:
    """Replaces your recovery codes. Needs a log-in or confirmation of the last 10 minutes."""
    return _codes(await second_factor.renew_codes(request.shop, user_id=await _fresh(request)), 201)


@delete(
    "/",
    status_code=204,
    summary="Turn off your second factor",
    operation=describe(
        "disableSecondFactor", ConfirmationRequired, SecondFactorRequired, SecondFactorOff, login="session"
    ),
)
async def disable(request: ShopRequest) -> None:
    """Log-ins take a password alone. Needs a log-in or confirmation of the last 10 minutes."""
    await second_factor.turn_off(request.shop, user_id=await _fresh(request))


@delete(
    "/{user_id:int}/second-factor",
    status_code=204,
    summary="Reset a user's second factor",
    operation=describe(
        "resetSecondFactor", RoleMissing, ConfirmationRequired, UnknownUser, SecondFactorOff, login="session"
    ),
)
async def reset(request: ShopRequest, user_id: PathId) -> None:
    """For a user who has lost app and recovery codes; ends their sessions. Admins only.

    Needs a log-in or confirmation of the last 10 minutes.
    """
    actor = await fresh_admin(request)
    await second_factor.reset(request.shop, user_id=user_id, actor_id=actor.user_id)


async def _fresh(request: ShopRequest) -> int:
    """Who asks. Raises SessionEnded, ConfirmationRequired."""
    await sessions.actor(request.shop, caller=request.caller)
    await confirmation.require(request.shop, caller=request.caller)
    return request.caller.user_id


def _codes(made: list[str], status: int = 200) -> Response[RecoveryCodesResponse]:
    return Response(RecoveryCodesResponse(made), status, headers={"Cache-Control": "no-store"})


own = Router("/auth/second-factor", [show, begin, enable, renew_codes, disable])
others = Router("/users", [reset])
