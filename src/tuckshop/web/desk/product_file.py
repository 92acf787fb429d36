"""`/desk/file`: products from a table and into one. What a file would do is shown first, and then done."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.refusals import Refusal, UnknownMachine
from tuckshop.domain.users import Role
from tuckshop.http import downloads
from tuckshop.http.errors import Malformed
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.imports import csv_files, portions, products
from tuckshop.imports.portions import Undone
from tuckshop.imports.products import Report
from tuckshop.operations import retention
from tuckshop.operations import uploads as upload_store
from tuckshop.operations.uploads import UploadKind
from tuckshop.queries import machines
from tuckshop.web.ui import error_pages, flash, forms, i18n, refusal_texts, rooms, uploads
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import SignedInUser

SHOWN_MAX = 100  # Rows that somebody reads; the rest is counted.
_KEY = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_IMPORT = "file."  # What the keys of imports begin with; that of the upload follows.
_BESIDE: dict[type[Refusal], str] = {UnknownMachine: "machine"}


@get("/desk/file")
async def show(request: ShopRequest) -> Response[Any]:
    """A file to look at, and one to save."""
    member = await rooms.member(request, Role.SELLER)
    return await _shown(request, member, BoundForm(request, {"machine": f"{DEFAULT_MACHINE_ID}"}))


@post("/desk/file", status_code=200, body_bytes_max=csv_files.BYTES_MAX + uploads.AROUND_BYTES_MAX)
async def look(request: ShopRequest) -> Response[Any]:
    """What a file would do, or what is wrong with it; nothing is done.

    The shop keeps the file for the next step: a browser does not send one again by itself.
    """
    member = await rooms.member(request, Role.SELLER)
    form, upload = await uploads.read(request, "machine", file="file", bytes_max=csv_files.BYTES_MAX)
    machine_id = form.whole("machine", least=1) if "file" not in form.wrong else DEFAULT_MACHINE_ID
    if upload is None:
        form.miss("file")
    if form.is_wrong or upload is None:
        return await _shown(request, member, form)
    report = await _import(request, member, form, upload.content, machine_id, dry_run=True)
    upload_key = ""
    if report is not None and report.acts and not report.problems:
        upload_key = await upload_store.keep(
            request.shop, caller=member.caller, kind=UploadKind.PRODUCTS, content=upload.content
        )
    return await _shown(request, member, form, report, upload_key)


@post("/desk/file/take", status_code=303)
async def take(request: ShopRequest) -> Response[Any]:
    """A file that was looked at. Taken twice, it goes on where it stopped, or changes nothing."""
    member = await rooms.member(request, Role.SELLER)
    posted = await forms.read(request, "machine", "upload")
    upload_key = posted["upload"]
    if not _KEY.fullmatch(upload_key):
        raise Malformed(("upload", "is not what a form sends"), status=400)
    form = BoundForm(request, posted | {"file": ""})
    machine_id = form.whole("machine", least=1)
    content = await upload_store.find(
        request.shop, caller=member.caller, kind=UploadKind.PRODUCTS, key=upload_key
    )
    if content is None:
        form.tell(
            "file",
            form.words.gettext("The file is no longer here: it is kept for one hour. Choose it again."),
        )
    if form.is_wrong or content is None:
        return await _shown(request, member, form)
    report = await _import(
        request, member, form, content, machine_id, dry_run=False, key=_IMPORT + upload_key
    )
    if report is not None and report.stopped is not None:
        stopped = report.stopped
        why = "" if stopped.refusal is None else error_pages.said(stopped.refusal, form.words, request)
        form.trouble = form.words.gettext(
            "Stopped after %(done)s of %(rows)s rows, which are imported. %(why)s",
            done=stopped.rows_done,
            rows=stopped.rows,
            why=why,
        )
        return await _shown(request, member, form, report, upload_key)
    if report is None or report.problems:
        return await _shown(request, member, form, report)
    words = i18n.of(request)
    response = forms.to_page("/desk/products")
    told = words.gettext(
        "%(added)s, %(changed)s.",
        added=words.ngettext("%(num)s added", "%(num)s added", report.added),
        changed=words.ngettext("%(num)s changed", "%(num)s changed", report.changed),
    )
    flash.leave(response, request, told)
    return response


@post("/desk/file/undo", status_code=303)
async def undo(request: ShopRequest) -> Response[Any]:
    """An import undone; a page tells of what stays as it is."""
    member = await rooms.member(request, Role.SELLER)
    posted = await forms.read(request, "upload")
    if not _KEY.fullmatch(posted["upload"]):
        raise Malformed(("upload", "is not what a form sends"), status=400)
    form = BoundForm(request, {"machine": f"{DEFAULT_MACHINE_ID}", "file": ""})
    try:
        undone = await portions.undo(
            request.shop, caller=member.caller, actor=member.actor, key=_IMPORT + posted["upload"]
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return await _shown(request, member, form)
    if undone.kept:
        return await _shown(request, member, form, undone=undone)
    words = i18n.of(request)
    response = forms.to_page("/desk/file")
    told = words.ngettext("%(num)s product undone.", "%(num)s products undone.", undone.products)
    flash.leave(response, request, told)
    return response


@get("/desk/file/save")
async def save(request: ShopRequest) -> Response[Any]:
    """What is on sale, as a file that can be changed and taken back."""
    member = await rooms.member(request, Role.SELLER)
    form = BoundForm(request, {"machine": request.query_params.get("machine", f"{DEFAULT_MACHINE_ID}")})
    machine_id = form.whole("machine", least=1)
    given = products.give(request.shop, machine_id=machine_id, seller_id=member.user_id)
    return await asyncio.to_thread(downloads.sheet, [row async for row in given], "products")


HANDLERS = (show, look, take, undo, save)


async def _import(
    request: ShopRequest,
    member: SignedInUser,
    form: BoundForm,
    content: bytes,
    machine_id: int,
    *,
    dry_run: bool,
    key: str | None = None,
) -> Report | None:
    """What the file does, or would; None if it was refused, which the form tells.

    Here admins have products of their own alone, as other sellers do.
    """
    try:
        return await products.take(
            request.shop,
            caller=member.caller,
            actor=member.actor.as_customer(),
            content=content,
            machine_id=machine_id,
            dry_run=dry_run,
            key=key,
        )
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE)
        return None


async def _shown(
    request: ShopRequest,
    member: SignedInUser,
    form: BoundForm,
    report: Report | None = None,
    upload_key: str = "",
    undone: Undone | None = None,
) -> Response[Any]:
    words = i18n.of(request)
    problems = report.problems if report else ()
    return rooms.page(
        request,
        "desk/product_file.html",
        member=member,
        status=form.status if form.is_wrong or problems else 200,
        form=form,
        machines={one.id: one.name for one in await machines.page(request.shop)},
        report=report,
        upload_key=upload_key,
        problems=[
            (one.line, refusal_texts.of_row(one.problem, words, request.shop.currency))
            for one in problems[:SHOWN_MAX]
        ],
        acts=report.acts[:SHOWN_MAX] if report else (),
        undone=undone,
        kept=undone.kept[:SHOWN_MAX] if undone else (),
        imports=[
            (one, one.key.removeprefix(_IMPORT))
            for one in await portions.recent(request.shop, caller=member.caller, prefix=_IMPORT)
        ],
        undo_days=retention.KEPT_DAYS,
        bytes_max=csv_files.BYTES_MAX,
    )
