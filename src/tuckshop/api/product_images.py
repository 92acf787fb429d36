"""/v1/products/{id}/image and /v1/images: pictures of products."""

from __future__ import annotations

from tuckshop.api.etags import expected_version
from tuckshop.api.products import ProductShown, show_product
from tuckshop.api.requests import answered
from tuckshop.domain.refusals import InvalidField, NotOwner, UnknownImage, UnknownProduct
from tuckshop.http.fields import PathId
from tuckshop.http.handlers import Router, delete, get, put, told
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.operations import pictures
from tuckshop.queries import pictures as picture_queries
from tuckshop.till.commands.products import ChangeProduct, ProductRecord

IMAGE_SECONDS = 31_536_000  # A picture never changes; another one has another address.


@put(
    "/{product_id:int}/image",
    summary="Show a picture of a product",
    operation=told(
        "putProductImage",
        UnknownProduct,
        NotOwner,
        InvalidField,
        keyed=True,
        matched=True,
        uploads=pictures.FORMATS,
    ),
    body_bytes_max=pictures.UPLOAD_BYTES_MAX,
)
async def put_image(request: Call, product_id: PathId) -> Response[ProductShown]:
    """The picture itself as the body, of at most 8 MiB and 50 megapixels. Owner or admin.

    It is kept as WebP within 512 by 512 pixels, without anything else that the file held.
    """
    caller = request.caller
    version = expected_version(request)
    await pictures.require_changeable(request.shop, caller=caller, product_id=product_id)
    media_type, content = await request.uploaded(*pictures.FORMATS)
    command = ChangeProduct(caller, product_id, version=version)
    envelope = await request.enveloped(command)
    outcome = await pictures.put(request.shop, envelope, command, media_type=media_type, content=content)
    return answered(outcome, ProductRecord, show_product, status=200)


@delete(
    "/{product_id:int}/image",
    status_code=204,
    summary="Show no picture of a product",
    operation=told("removeProductImage", UnknownProduct, NotOwner, keyed=True, matched=True),
)
async def remove_image(request: Call, product_id: PathId) -> Response[None]:
    """The product stays as it is otherwise. Owner or admin."""
    command = ChangeProduct(request.caller, product_id, version=expected_version(request), without_image=True)
    outcome = await pictures.remove(request.shop, await request.enveloped(command))
    return answered(outcome, ProductRecord, show_product, status=204)


@get(
    "/{image_id:int}",
    summary="A picture",
    operation=told("getImage", UnknownImage, login="none", media_type="image/*"),
)
async def image(request: Call, image_id: PathId) -> Response[bytes]:
    """The bytes of a picture; they never change."""
    media_type, content = await picture_queries.find(request.shop, image_id=image_id)
    headers = {"Cache-Control": f"public, max-age={IMAGE_SECONDS}, immutable"}
    return Response(content, media_type=media_type, headers=headers)


router = Router("/products", [put_image, remove_image])
images = Router("/images", [image])
