"""What somebody says of themselves, where a contract lets whoever holds a token change it.

A new password or email address takes more than a token: the current password, or a log-in to this contract of
the last ten minutes. It ends all other sessions, and nobody does it for somebody else: admins reset passwords
in /v1, in the office or at the command line.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from tuckshop.domain.refusals import NotOwner
from tuckshop.domain.users import Actor
from tuckshop.http.request import ShopRequest
from tuckshop.identity import sessions, users
from tuckshop.identity.users import User


async def change(
    request: ShopRequest,
    *,
    actor: Actor,
    user: User,
    username: str | UnsetType,
    email: str | UnsetType | None,
    password: str | UnsetType,
    current_password: str | UnsetType,
) -> User:
    """The user as changed; what is sent as it was, is not.

    Raises:
        NotOwner: an admin, and a password or email address of somebody else.
        BadCredentials, TooManyTries: the current password is missing or wrong, or was so too often.
        InvalidField, NameTaken, NameTooSimilar, EmailTaken: as `registration.register`.
    """
    proven = None
    if password is not UNSET or email not in (UNSET, user.email):
        if actor.user_id != user.id:
            raise NotOwner(thing="account")
        proven = await sessions.proven(
            request.shop,
            caller=request.caller,
            audience=request.audience,
            current_password=None if current_password is UNSET else current_password,
            address=request.address,
        )
    return await users.change(
        request.shop,
        user_id=user.id,
        username=None if username is UNSET else username,
        email=email,
        password=None if password is UNSET else password,
        proven=proven,
        keeps=request.caller,
        actor_id=actor.user_id,
    )
