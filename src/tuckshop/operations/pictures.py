"""Pictures of products: whatever comes in goes out as a small WebP, without anything but what is seen.

Decoders of pictures are the likeliest place for an attack: they see three formats, one picture at a time, and
no picture whose header alone says that it would fill the memory.
"""

from __future__ import annotations

import asyncio
import io
import threading
from typing import TYPE_CHECKING

from msgspec.structs import replace
from sqlalchemy import delete, exists, insert, select

from tuckshop.context import Shop
from tuckshop.domain.field_problems import Animated, NotAPicture, TooManyPixels
from tuckshop.domain.products import require_owner
from tuckshop.domain.refusals import InvalidField
from tuckshop.identity import sessions
from tuckshop.queries import catalogue
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.till.callers import SessionCaller
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.commands.products import AddProduct, ChangeProduct

if TYPE_CHECKING:
    from PIL import Image

images, products = tables.images, tables.products

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
UPLOAD_BYTES_MAX = 8 * 1024 * 1024  # What phones make of a can on a table has half of that.
PIXELS_MAX = 50_000_000  # Likewise; decoded, these are 200 MB.
SIDE_MAX = 512  # Twice what a page shows, for fine screens.
QUALITY = 84
UPLOAD_SECONDS_MAX = 3_600  # Between keeping a picture and showing it; moments, in truth.

_ONE_AT_A_TIME = threading.Lock()  # The memory of two at once is what nobody has reckoned with.


async def require_changeable(shop: Shop, *, caller: SessionCaller, product_id: int) -> None:
    """Whether the caller may, asked before anything large is read; the till asks again.

    Raises:
        SessionEnded, UnknownProduct, NotOwner: not by this caller.
    """
    actor = await sessions.actor(shop, caller=caller)
    stands = await catalogue.find(shop, product_id=product_id)
    require_owner(actor, stands.seller_id)


async def put(
    shop: Shop, envelope: Envelope, command: AddProduct | ChangeProduct, *, media_type: str, content: bytes
) -> Outcome:
    """Shows this picture of a product from now on; what it showed before goes, if nothing else shows it.

    With AddProduct, of one that is new.

    Raises:
        InvalidField: it is no such picture, too large, animated or broken.
    """
    small = await asyncio.to_thread(shrunk, content, media_type=media_type)
    image_id = await add(shop, media_type="image/webp", content=small)
    return await _executed(shop, replace(envelope, command=replace(command, image_id=image_id)), image_id)


async def remove(shop: Shop, envelope: Envelope) -> Outcome:
    """Shows no picture of a product any more; the one that it showed goes, if nothing else shows it."""
    return await _executed(shop, envelope)


async def add(shop: Shop, *, media_type: str, content: bytes) -> int:
    """Keeps a picture; its id. Products show it once one of them names it."""
    query = insert(images).values(media_type=media_type, content=content, created_us=shop.clock())
    async with writing(shop.engine) as connection:
        image_id: int = (await connection.execute(query.returning(images.c.id))).scalar_one()
    return image_id


def shrunk(content: bytes, *, media_type: str) -> bytes:
    """The picture as WebP within SIDE_MAX, turned as it is meant to be seen.

    Raises:
        InvalidField: not of this type, too many pixels, animated, cut off or otherwise broken.
    """
    with _ONE_AT_A_TIME:
        try:
            return _shrunk(content, FORMATS[media_type])
        except InvalidField:
            raise
        except Exception:  # noqa: BLE001  # Decoders stumble in all ways over what was made to trip them.
            raise InvalidField(field="image", problem=NotAPicture()) from None


def _shrunk(content: bytes, kind: str) -> bytes:
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(content), formats=[kind]) as opened:
        if opened.width * opened.height > PIXELS_MAX:
            raise InvalidField(field="image", problem=TooManyPixels(PIXELS_MAX))
        if getattr(opened, "is_animated", False):
            raise InvalidField(field="image", problem=Animated())
        opened.draft("RGB", (2 * SIDE_MAX, 2 * SIDE_MAX))  # JPEG alone: decoded no larger than needed.
        opened.load()
        upright = ImageOps.exif_transpose(opened)
        plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        plain.thumbnail((SIDE_MAX, SIDE_MAX), Image.Resampling.LANCZOS)
        return _as_webp(plain)


def _as_webp(picture: Image.Image) -> bytes:
    picture.info.clear()  # Or colour profiles and the like would be written again.
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=QUALITY, method=4)
    return file.getvalue()


async def _executed(shop: Shop, envelope: Envelope, new_id: int | None = None) -> Outcome:
    command = envelope.command
    old_id = None
    if isinstance(command, ChangeProduct):
        shown = select(products.c.image_id).where(products.c.id == command.product_id)
        async with reading(shop.engine) as connection:
            old_id = (await connection.execute(shown)).scalar_one_or_none()
    outcome = await shop.till.execute(envelope)
    # Refused or replayed, the new one is not shown; done, the old one is not.
    await _forget_unused(shop, {one for one in (old_id, new_id) if one is not None})
    return outcome


async def _forget_unused(shop: Shop, image_ids: set[int]) -> None:
    """These, and what uploads have left that never came to their end."""
    is_left = images.c.created_us < shop.clock() - UPLOAD_SECONDS_MAX * 1_000_000
    used = exists().where(products.c.image_id == images.c.id)
    async with writing(shop.engine) as connection:
        await connection.execute(delete(images).where(images.c.id.in_(image_ids) | is_left, ~used))
