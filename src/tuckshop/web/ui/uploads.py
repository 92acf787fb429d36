"""A form with a file: what is too large is told beside its field, as all else that is wrong."""

from __future__ import annotations

import hashlib

from tuckshop.domain.field_problems import NotAPicture
from tuckshop.http.request import ShopRequest
from tuckshop.operations import pictures
from tuckshop.till.commands.base import Receipt
from tuckshop.till.commands.products import AddProduct, ChangeProduct
from tuckshop.web.ui import forms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.forms import Upload

MIB = 1024**2
AROUND_BYTES_MAX = 65_536  # What a form has beside its file.
PICTURE = "image"
PICTURE_BODY_BYTES_MAX = pictures.UPLOAD_BYTES_MAX + AROUND_BYTES_MAX


async def read(
    request: ShopRequest, *names: str, file: str, bytes_max: int
) -> tuple[BoundForm, Upload | None]:
    """The form as it is filled in, and the file that was chosen.

    Raises:
        Malformed: as `forms.read`; but a file that is too large is told beside its field.
    """
    try:
        posted, files = await forms.read_with_files(request, "key", *names, files=(file,))
    except forms.FileTooLarge as error:
        form = BoundForm(request, error.posted | {file: ""})
        _tell_too_large(form, file, bytes_max)
        return form, None
    form = BoundForm(request, posted | {file: ""})
    upload = files.get(file)
    if upload is None or not (upload.name or upload.content):
        return form, None
    if len(upload.content) > bytes_max:
        _tell_too_large(form, file, bytes_max)
    return form, upload


def _tell_too_large(form: BoundForm, file: str, bytes_max: int) -> None:
    form.tell(file, form.words.gettext("Choose a file of at most %(count)s MiB.", count=bytes_max // MIB))


async def read_with_picture(request: ShopRequest, *names: str) -> tuple[BoundForm, Upload | None]:
    """As `read`, with the picture of a product."""
    form, upload = await read(request, *names, file=PICTURE, bytes_max=pictures.UPLOAD_BYTES_MAX)
    if upload is not None and upload.media_type not in pictures.FORMATS:
        form.complain(PICTURE, NotAPicture())
    return form, upload


async def execute(
    request: ShopRequest, command: AddProduct | ChangeProduct, form: BoundForm, upload: Upload | None
) -> Receipt:
    """What the till says to the command of a form with a picture. Raises the refusal, if that is its answer.

    Another picture is another press, though all else is the same.
    """
    if upload is None:
        return await forms.execute(request, command, form.typed)
    told = form.typed | {PICTURE: hashlib.sha256(upload.content).hexdigest()}
    envelope = forms.enveloped(request, command, told)
    outcome = await pictures.put(
        request.shop, envelope, command, media_type=upload.media_type, content=upload.content
    )
    return outcome.receipt()
