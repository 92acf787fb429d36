"""`/office/products`: everything on sale, whosever it is; new ones, prices, names, pieces."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post

from tuckshop.domain.accounts import USERNAME_LENGTH_MAX, Role
from tuckshop.domain.catalogue import PRODUCT_NAME_LENGTH_MAX, QUANTITY_MAX, REASON_LENGTH_MAX
from tuckshop.domain.refusals import (
    NameTaken,
    Refusal,
    RoleMissing,
    SessionEnded,
    StockTooLarge,
    UnknownUser,
    VersionChanged,
)
from tuckshop.http.calls import Call
from tuckshop.services import accounts, catalogue
from tuckshop.services.catalogue import Place, Search, Sort
from tuckshop.till.commands import AddProduct, ChangeProduct, ProductStands, RemoveProduct, Restock
from tuckshop.web import errors, forms, notices, rooms, texts
from tuckshop.web.filling import Filled
from tuckshop.web.notices import Mood
from tuckshop.web.rooms import Member, Number

PAGE = 25


@get("/office/products")
async def index(request: Call) -> Response[Any]:
    """All of them, or those whose name says so; the newest first."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    keyword = request.query_params.get("q", "").strip()[:PRODUCT_NAME_LENGTH_MAX].replace("\0", "")
    before_id = rooms.before(request)
    search = Search(
        limit=PAGE + 1,
        keyword=keyword,
        sort=Sort.NEWEST,
        after=None if before_id is None else Place(before_id),
    )
    found = await catalogue.page(request.shop, search)
    return rooms.page(
        request,
        "office/products.html",
        member=member,
        form=Filled(request, {"q": keyword}),
        products=found[:PAGE],
        href=f"/office/products?{urlencode({'q': keyword})}" if keyword else "/office/products",
        before=found[PAGE - 1].product_id if len(found) > PAGE else None,
        is_first=before_id is None,
    )


@get("/office/products/new")
async def show_new(request: Call) -> Response[Any]:
    """A form for one more."""
    member = await rooms.member(request, Role.ADMIN)
    typed = {"name": "", "seller": "", "price": "", "stock": "0", "refundable": "on"}
    return _new(request, member, Filled(request, typed), forms.new_key())


@post("/office/products/new", status_code=303)
async def add(request: Call) -> Response[Any]:
    """For the house, or for a seller."""
    member = await rooms.member(request, Role.ADMIN)
    posted = await forms.read(request, "key", "name", "seller", "price", "stock", "refundable")
    form = Filled(request, posted)
    name = form.text("name", length_max=PRODUCT_NAME_LENGTH_MAX)
    seller = form.text("seller", length_max=USERNAME_LENGTH_MAX, needed=False)
    price_cents = form.amount("price")
    stock = form.whole("stock", most=QUANTITY_MAX)
    if form.is_wrong:
        return _new(request, member, form, posted["key"])
    try:
        seller_id = (await accounts.find_by_name(request.shop, username=seller)).id if seller else None
        command = AddProduct(
            member.caller,
            name=name,
            price_cents=price_cents,
            stock=stock,
            refundable=bool(posted["refundable"]),
            for_house=seller_id is None,
            seller_id=seller_id,
        )
        receipt = await forms.settled(request, command, posted)
    except SessionEnded:
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside={NameTaken: "name", UnknownUser: "seller", RoleMissing: "seller"})
        return _new(request, member, form, posted["key"])
    assert isinstance(receipt, ProductStands)
    return _done(request, receipt, texts.of(request).say("{product} is on sale.", product=receipt.name))


@get("/office/products/{product:str}")
async def show(request: Call, product: Number) -> Response[Any]:
    """One of them."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    return _shown(request, member, await catalogue.find(request.shop, product_id=rooms.number(product)))


@post("/office/products/{product:str}", status_code=303)
async def change(request: Call, product: Number) -> Response[Any]:
    """Another name or price, unless somebody else has changed it meanwhile."""
    member = await rooms.member(request, Role.ADMIN)
    posted = await forms.read(request, "key", "version", "name", "price", "refundable")
    found = await catalogue.find(request.shop, product_id=rooms.number(product))
    form = Filled(request, posted)
    command = ChangeProduct(
        member.caller,
        found.product_id,
        version=form.whole("version", least=1),
        name=form.text("name", length_max=PRODUCT_NAME_LENGTH_MAX),
        price_cents=form.amount("price"),
        refundable=bool(posted["refundable"]),
    )
    if form.is_wrong:
        return _shown(request, member, found, about=form)
    try:
        await forms.settled(request, command, posted)
    except SessionEnded:
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside={NameTaken: "name"})
        if isinstance(refusal, VersionChanged):  # Whoever looks again and still wants it may.
            form.typed["version"] = str(found.version)
        return _shown(request, member, found, about=form)
    return _done(request, found, texts.of(request).say("Saved."))


@post("/office/products/{product:str}/stock", status_code=303)
async def restock(request: Call, product: Number) -> Response[Any]:
    """Pieces that came."""
    member = await rooms.member(request, Role.ADMIN)
    posted = await forms.read(request, "key", "pieces", "reason")
    found = await catalogue.find(request.shop, product_id=rooms.number(product))
    form = Filled(request, posted)
    pieces = form.whole("pieces", least=1, most=QUANTITY_MAX)
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=False)
    if form.is_wrong:
        return _shown(request, member, found, stock=form)
    try:
        command = Restock(member.caller, found.product_id, pieces, reason=reason or None)
        receipt = await forms.settled(request, command, posted)
    except SessionEnded:
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside={StockTooLarge: "pieces"})
        return _shown(request, member, found, stock=form)
    assert isinstance(receipt, ProductStands)
    return _done(
        request,
        found,
        texts.of(request).plural("Now {count} is there.", "Now {count} are there.", receipt.stock),
    )


@post("/office/products/{product:str}/remove", status_code=303)
async def remove(request: Call, product: Number) -> Response[Any]:
    """Off sale: the name is free again, and what is left on the shelves is corrected to none."""
    member = await rooms.member(request, Role.ADMIN)
    posted = await forms.read(request, "key")
    product_id = rooms.number(product)
    response = forms.to_page("/office/products")
    words = texts.of(request)
    try:
        await forms.settled(request, RemoveProduct(member.caller, product_id), posted)
    except SessionEnded:
        raise
    except Refusal as refusal:
        notices.leave(response, request, errors.said(refusal, words, request), mood=Mood.BAD)
        return response
    notices.leave(response, request, words.say("It is not on sale any more."))
    return response


HANDLERS = (
    index,
    show_new,
    add,
    show,
    change,
    restock,
    remove,
)


def _done(request: Call, product: ProductStands, sentence: str) -> Response[Any]:
    response = forms.to_page(f"/office/products/{product.product_id}")
    notices.leave(response, request, sentence)
    return response


def _new(request: Call, member: Member, form: Filled, key: str) -> Response[Any]:
    status = form.status if form.is_wrong else 200
    return rooms.page(request, "office/new_product.html", member=member, status=status, form=form, key=key)


def _shown(
    request: Call,
    member: Member,
    product: ProductStands,
    *,
    about: Filled | None = None,
    stock: Filled | None = None,
) -> Response[Any]:
    wrong = about or stock
    words = texts.of(request)
    typed = {
        "name": product.name,
        "price": words.plain(product.price_cents, request.shop.currency),
        "refundable": "on" if product.refundable else "",
        "version": str(product.version),
    }
    return rooms.page(
        request,
        "office/product.html",
        member=member,
        status=200 if wrong is None else wrong.status,
        product=product,
        about=about or Filled(request, typed),
        stock=stock or Filled(request, {"pieces": "", "reason": ""}),
        key=forms.new_key() if wrong is None else wrong.typed["key"],
    )
