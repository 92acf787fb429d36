"""The shop as commands get it: by the settings in force, with its till, for as long as the command runs."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tuckshop.cli.errors import sentence
from tuckshop.domain.refusals import Refusal

if TYPE_CHECKING:
    from tuckshop.context import Shop
    from tuckshop.settings import Settings

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns."""
    return asyncio.run(work)


@asynccontextmanager
async def opened_shop(given: Settings | None = None, *, with_secret: bool = False) -> AsyncIterator[Shop]:
    """The shop with its till open. A refusal inside becomes one line, amounts in the shop's currency.

    `with_secret`: for what is kept by the shop's own secret, and found by it later.

    Raises:
        DatabaseUnusable, SettingsInvalid: one sentence that says what to do.
    """
    import msgspec

    from tuckshop import settings
    from tuckshop.operations.startup import open_shop

    given = given or settings.read()
    if not with_secret:
        # Commands neither make nor read tokens: they need no secret, and must not ask for one.
        given = msgspec.structs.replace(given, secret=secrets.token_hex(settings.SECRET_LENGTH_MIN))
    async with open_shop(given) as shop:
        try:
            yield shop
        except Refusal as refusal:
            raise click.ClickException(sentence(refusal, exponent=shop.currency.exponent)) from None
