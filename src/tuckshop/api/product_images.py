"""/v1/products/{id}/image and /v1/images: pictures of products."""

from __future__ import annotations

from tuckshop.api.etags import expected_version
from tuckshop.api.products import ProductResponse, show_product
from tuckshop.api.requests import respond
from tuckshop.domain.refusals import (
    InvalidField,
    NotOwner,
    PicturesTooLarge,
    UnknownImage,
    UnknownProduct,
)
from tuckshop.http.fields import PathId
from tuckshop.http.handlers import Router, delete, describe, get, put
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.operations import pictures
from tuckshop.queries import pictures as picture_queries
from tuckshop.till.commands.products import ChangeProduct, ProductRecord

IMAGE_SECONDS = 31_536_000  # A picture never changes; another one has another address.


@put(
    "/{product_id:int}/image",
    summary="Set a product's picture",
    operation=describe(
        "putProductImage",
        UnknownProduct,
        NotOwner,
        InvalidField,
        PicturesTooLarge,
        keyed=True,
        matched=True,
        uploads=pictures.FORMATS,
    ),
    body_bytes_max=pictures.UPLOAD_BYTES_MAX,
)
async def put_image(request: ShopRequest, product_id: PathId) -> Response[ProductResponse]:
    """The body is the image file, of at most 8 MiB and 50 megapixels. Owner or admin.

    It is stored as WebP of at most 512 by 512 pixels, without metadata.
    """
    caller = request.caller
    version = expected_version(request)
    await pictures.require_changeable(request.shop, caller=caller, product_id=product_id)
    media_type, content = await request.uploaded(*pictures.FORMATS)
    command = ChangeProduct(caller, product_id, version=version)
    envelope = await request.enveloped(command)
    outcome = await pictures.put(request.shop, envelope, command, media_type=media_type, content=content)
    return respond(outcome, ProductRecord, show_product, status=200)


@delete(
    "/{product_id:int}/image",
    status_code=204,
    summary="Remove a product's picture",
    operation=describe("removeProductImage", UnknownProduct, NotOwner, keyed=True, matched=True),
)
async def remove_image(request: ShopRequest, product_id: PathId) -> Response[None]:
    """Removes the picture only. Owner or admin."""
    command = ChangeProduct(request.caller, product_id, version=expected_version(request), without_image=True)
    outcome = await pictures.remove(request.shop, await request.enveloped(command))
    return respond(outcome, ProductRecord, show_product, status=204)


@get(
    "/{image_id:int}",
    summary="A picture",
    operation=describe("getImage", UnknownImage, login="none", media_type="image/*"),
)
async def image(request: ShopRequest, image_id: PathId) -> Response[bytes]:
    """The image file. It never changes."""
    media_type, content = await picture_queries.find(request.shop, image_id=image_id)
    headers = {"Cache-Control": f"public, max-age={IMAGE_SECONDS}, immutable"}
    return Response(content, media_type=media_type, headers=headers)


router = Router("/products", [put_image, remove_image])
images = Router("/images", [image])
