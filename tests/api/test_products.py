"""/v1/products and their pictures."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, People
from tuckshop.domain.users import Role

COLA = {"name": "Cola", "price": 150, "stock": 10}
PRODUCTS = "/v1/products"


async def add(api: Api, by: Any, **more: Any) -> dict[str, Any]:
    answer = await api.post(PRODUCTS, COLA | more, by=by)
    assert answer.status_code == 201, answer.text
    product: dict[str, Any] = answer.json()
    return product


class TestReading:
    async def test_shows_a_product_to_everybody(self, api: Api, people: People) -> None:
        product = await add(api, people.sam)
        assert product == {
            "id": 1,
            "name": "Cola",
            "price": 150,
            "stock": 10,
            "seller": {"id": people.sam.user_id, "username": "sam"},
            "refundable": True,
            "image": None,
            "version": 1,
            "category": None,
            "barcode": None,
        }
        assert (await api.get(f"{PRODUCTS}/1")).json() == product
        assert (await api.get(PRODUCTS)).json() == {"items": [product], "next": None}

    async def test_knows_nothing_of_what_is_not_on_sale(self, api: Api, people: People) -> None:
        await add(api, people.sam)
        assert (await api.get(f"{PRODUCTS}/2")).status_code == 404
        await api.call("DELETE", f"{PRODUCTS}/1", by=people.sam)
        assert (await api.get(f"{PRODUCTS}/1")).status_code == 404

    async def test_a_machine_without_a_shelf_has_none_of_it(self, api: Api, people: People) -> None:
        await add(api, people.sam)
        hall = await api.shop.machine("hall")
        assert (await api.get(f"{PRODUCTS}/1?machine={hall}")).json()["stock"] == 0
        assert (await api.get(f"{PRODUCTS}?machine={hall}")).json()["items"][0]["stock"] == 0
        assert (await api.get(f"{PRODUCTS}?machine=1")).json()["items"][0]["stock"] == 10

    async def test_a_machine_that_is_not_there_is_none(self, api: Api, people: People) -> None:
        await add(api, people.sam)
        for path in (PRODUCTS, f"{PRODUCTS}/1", f"{PRODUCTS}/99"):
            for machine in (99, 2**63 - 1):
                answer = await api.get(f"{path}?machine={machine}")
                assert (answer.status_code, answer.json()["machine"]) == (404, machine)
                assert answer.json()["type"] == "urn:tuckshop:problem:unknown-machine"

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
    async def test_lists_every_product_once_page_by_page(self, api: Api, people: People, limit: int) -> None:
        names = [(await add(api, people.sam, name=f"can {n}"))["name"] for n in range(7)]
        found: list[str] = []
        cursor = ""
        for _ in range(20):
            page = (await api.get(f"{PRODUCTS}?limit={limit}{cursor}")).json()
            assert 1 <= len(page["items"]) <= limit
            found += [item["name"] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert found == names

    async def test_a_page_is_stable_while_products_come_and_go(self, api: Api, people: People) -> None:
        for n in range(4):
            await add(api, people.sam, name=f"can {n}")
        first = (await api.get(f"{PRODUCTS}?limit=2")).json()
        await api.call("DELETE", f"{PRODUCTS}/2", by=people.sam)
        await add(api, people.sam, name="can 4")
        second = (await api.get(f"{PRODUCTS}?limit=2&cursor={first['next']}")).json()
        assert [item["id"] for item in second["items"]] == [3, 4]


class TestETags:
    async def test_answer_304_until_something_changes(self, api: Api, people: People) -> None:
        await add(api, people.sam)
        for path in (PRODUCTS, f"{PRODUCTS}/1"):
            answer = await api.get(path)
            tag = answer.headers["etag"]
            assert answer.headers["cache-control"] == "no-cache"
            for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
                again = await api.get(path, headers={"If-None-Match": known})
                assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert (await api.get(path, headers={"If-None-Match": '"1-0"'})).status_code == 200
        tags = [(await api.get(path)).headers["etag"] for path in (PRODUCTS, f"{PRODUCTS}/1")]
        await api.post(f"{PRODUCTS}/1/stock", {"restock": 1}, by=people.sam)
        for path, tag in zip((PRODUCTS, f"{PRODUCTS}/1"), tags, strict=True):
            assert (await api.get(path, headers={"If-None-Match": tag})).status_code == 200

    async def test_let_nobody_overwrite_what_they_have_not_seen(self, api: Api, people: People) -> None:
        await add(api, people.sam)
        path = f"{PRODUCTS}/1"
        seen = {"If-Match": (await api.get(path)).headers["etag"]}
        # Stock moves with every sale: it is no reason to look again before changing the price.
        await api.post(f"{path}/stock", {"restock": 1}, by=people.sam)
        assert (await api.call("PATCH", path, {"price": 160}, by=people.sam, headers=seen)).status_code == 200
        before = await api.shop.books()
        for method, body in (("PATCH", {"price": 170}), ("PUT", COLA), ("DELETE", None)):
            answer = await api.call(method, path, body, by=people.sam, headers=seen)
            assert (answer.status_code, answer.json()["version"]) == (412, 2)
        assert await api.shop.books() == before
        weak = {"If-Match": f"W/{(await api.get(path)).headers['etag']}"}
        assert (await api.call("PATCH", path, {"price": 170}, by=people.sam, headers=weak)).status_code == 200
        bare = {"If-Match": '"3"'}
        assert (await api.call("PATCH", path, {"price": 180}, by=people.sam, headers=bare)).status_code == 200
        anything = {"If-Match": "*"}
        assert (await api.call("DELETE", path, by=people.sam, headers=anything)).status_code == 204


class TestAdding:
    @pytest.mark.parametrize(("who", "status"), [("ada", 403), ("cas", 403), ("root", 403), ("sam", 201)])
    async def test_is_for_sellers(self, api: Api, people: People, who: str, status: int) -> None:
        before = await api.shop.books()
        answer = await api.post(PRODUCTS, COLA, by=getattr(people, who))
        assert answer.status_code == status
        if status == 403:
            assert answer.json()["roles"] == ["seller"]
            assert await api.shop.books() == before

    async def test_for_the_house_is_for_admins(self, api: Api, people: People) -> None:
        assert (await api.post(PRODUCTS, COLA | {"house": True}, by=people.sam)).status_code == 403
        product = await add(api, people.root, house=True)
        assert product["seller"] == {"id": None, "username": "house"}

    async def test_refuses_a_name_on_sale_and_takes_it_once_free(self, api: Api, people: People) -> None:
        await add(api, people.sam)
        answer = await api.post(PRODUCTS, COLA | {"name": "COLA"}, by=people.sue)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:tuckshop:problem:name-taken")
        await api.call("DELETE", f"{PRODUCTS}/1", by=people.sam)
        assert (await add(api, people.sue, name="COLA"))["name"] == "COLA"

    async def test_takes_every_attribute(self, api: Api, people: People) -> None:
        product = await add(
            api, people.sam, price=1, stock=0, refundable=False, tax_basis_points=1900, cost=1, machine=1
        )
        assert (product["price"], product["stock"], product["refundable"]) == (1, 0, False)
        (row,) = await api.shop.rows("products")
        assert (row["tax_basis_points"], row["cost_cents"]) == (1900, 1)

    async def test_refuses_a_machine_that_is_not_there(self, api: Api, people: People) -> None:
        answer = await api.post(PRODUCTS, COLA | {"machine": 2}, by=people.sam)
        assert (answer.status_code, answer.json()["machine"]) == (404, 2)


class TestChanging:
    @pytest.mark.parametrize(
        ("who", "allowed"), [("ada", False), ("sue", False), ("cas", False), ("sam", True), ("root", True)]
    )
    async def test_is_for_the_owner_and_admins(
        self, api: Api, people: People, who: str, allowed: bool
    ) -> None:
        await add(api, people.sam)
        by = getattr(people, who)
        before = await api.shop.books()
        for method, path, body in (
            ("PATCH", "", {"price": 1}),
            ("PUT", "", COLA),
            ("POST", "/stock", {"restock": 1}),
            ("POST", "/stock", {"correct": 1}),
            ("DELETE", "", None),
        ):
            answer = await api.call(method, f"{PRODUCTS}/1{path}", body, by=by)
            assert answer.is_success == allowed, answer.text
            if not allowed:
                assert (answer.status_code, answer.json()["type"]) == (403, "urn:tuckshop:problem:not-owner")
        if not allowed:
            assert await api.shop.books() == before

    async def test_of_what_is_not_there_is_refused(self, api: Api, people: People) -> None:
        for method, path, body in (
            ("PATCH", "", {"price": 1}),
            ("PUT", "", COLA),
            ("POST", "/stock", {"restock": 1}),
            ("DELETE", "", None),
        ):
            answer = await api.call(method, f"{PRODUCTS}/9{path}", body, by=people.root)
            assert (answer.status_code, answer.json()["product"]) == (404, 9)

    async def test_patch_leaves_the_rest_and_counts_versions(self, api: Api, people: People) -> None:
        await add(api, people.sam)
        path = f"{PRODUCTS}/1"
        changed = (await api.call("PATCH", path, {"price": 200}, by=people.sam)).json()
        assert (changed["name"], changed["price"], changed["stock"], changed["version"]) == (
            "Cola",
            200,
            10,
            2,
        )
        same = (await api.call("PATCH", path, {"price": 200}, by=people.sam)).json()
        assert same["version"] == 2
        stock = (await api.call("PATCH", path, {"stock": 3, "reason": "counted"}, by=people.sam)).json()
        assert (stock["stock"], stock["version"]) == (3, 2)
        assert (await api.shop.rows("stock_movements"))[-1]["reason"] == "counted"

    async def test_put_says_everything(self, api: Api, people: People) -> None:
        await add(api, people.sam, refundable=False, cost=5, tax_basis_points=1900)
        body = {"name": "Cola Zero", "price": 140, "stock": 2}
        replaced = (await api.call("PUT", f"{PRODUCTS}/1", body, by=people.sam)).json()
        assert (replaced["name"], replaced["refundable"], replaced["stock"]) == ("Cola Zero", True, 2)
        (row,) = await api.shop.rows("products")  # No answer shows these two, so they are not lost.
        assert (row["cost_cents"], row["tax_basis_points"]) == (5, 1900)

    async def test_stock_goes_up_by_restocking_and_to_a_target_by_correcting(
        self, api: Api, people: People
    ) -> None:
        await add(api, people.sam)
        path = f"{PRODUCTS}/1/stock"
        assert (await api.post(path, {"restock": 5}, by=people.sam)).json()["stock"] == 15
        assert (await api.post(path, {"correct": 4}, by=people.sam)).json()["stock"] == 4
        for body in ({}, {"restock": 1, "correct": 1}, {"reason": "why"}):
            answer = await api.post(path, body, by=people.sam)
            assert (answer.status_code, "restock" in answer.json()["detail"]) == (422, True)
        full = await api.post(path, {"restock": 1_000_000}, by=people.sam)
        assert (full.status_code, full.json()["type"]) == (409, "urn:tuckshop:problem:stock-too-large")
        await api.shop.assert_clean()


class TestPictures:
    async def test_never_change(self, api: Api) -> None:
        await api.shop.execute(
            "INSERT INTO images (id, media_type, content, created_us) VALUES (1, 'image/png', :png, 1)",
            png=b"\x89PNG",
        )
        answer = await api.get("/v1/images/1")
        assert (answer.content, answer.headers["content-type"]) == (b"\x89PNG", "image/png")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert (await api.get("/v1/images/2")).status_code == 404


async def test_several_roles_add_up(api: Api) -> None:
    both = await api.shop.person("pat", Role.BUYER, Role.SELLER)
    await add(api, both)
    assert (await api.get("/v1/wallet", by=both)).status_code == 200


class TestSearching:
    async def test_finds_by_every_parameter(self, api: Api, people: People) -> None:
        for name, price, stock in (("Cola", 150, 0), ("cola 100%", 100, 5), ("Crisps", 200, 5)):
            await add(api, people.sam, name=name, price=price, stock=stock)
        await add(api, people.sue, name="Cocoa", price=100, stock=1)
        hall = await api.shop.machine("hall")
        for query, ids in (
            ("keyword=COLA", [1, 2]),
            ("keyword=%25", [2]),
            ("keyword=_", []),
            ("keyword=", [1, 2, 3, 4]),
            ("keyword", [1, 2, 3, 4]),
            ("max_price=100", [2, 4]),
            (f"seller={people.sue.user_id}", [4]),
            ("in_stock=true", [2, 3, 4]),
            ("in_stock=false", [1]),
            (f"in_stock=true&machine={hall}", []),
            ("sort=newest", [4, 3, 2, 1]),
            ("sort=price", [2, 4, 1, 3]),
            ("sort=-price", [3, 1, 4, 2]),
            ("sort=name", [4, 1, 2, 3]),
            ("sort=-name&limit=2", [3, 2]),
            ("offset=1&limit=2", [2, 3]),
            ("offset=10000", []),
            ("keyword=co&sort=-price&max_price=140&in_stock=true", [4, 2]),
        ):
            answer = await api.get(f"{PRODUCTS}?{query}")
            assert [item["id"] for item in answer.json()["items"]] == ids, query

    @pytest.mark.parametrize("sort", ["id", "newest", "name", "-name", "price", "-price"])
    async def test_lists_by_cursor_in_every_order(self, api: Api, people: People, sort: str) -> None:
        for n in range(5):
            await add(api, people.sam, name=f"can Ä {n}", price=100 + n % 2)
        whole = (await api.get(f"{PRODUCTS}?sort={sort}")).json()["items"]
        found, cursor = [], ""
        while True:
            page = (await api.get(f"{PRODUCTS}?sort={sort}&limit=2{cursor}")).json()
            found += page["items"]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert found == whole
        assert len(found) == 5

    @pytest.mark.parametrize(
        "query",
        [
            "offset=0&cursor=1",
            "cursor=1&sort=price",
            "cursor=1&sort=name",
            "cursor=1.p5",
            "cursor=1.p0&sort=price",
            "cursor=1.p99999999999&sort=price",
            "cursor=1.p150&sort=name",
            "cursor=1.nAA&sort=name",  # NUL
            "cursor=1.n_w&sort=name",  # not UTF-8
            "cursor=1.nA&sort=name",
            "cursor=1.&sort=name",
        ],
    )
    async def test_refuses_what_no_list_has_given(self, api: Api, query: str) -> None:
        answer = await api.get(f"{PRODUCTS}?{query}")
        assert (answer.status_code, "cursor" in answer.json()["detail"]) == (422, True)


class TestLabels:
    CODE = "4006381333931"

    async def test_are_given_changed_and_removed(self, api: Api, people: People) -> None:
        product = await add(api, people.sam, category=" Drinks ", barcode=self.CODE)
        assert (product["category"], product["barcode"]) == ("Drinks", self.CODE)
        path = f"{PRODUCTS}/{product['id']}"
        kept = await api.call("PUT", path, COLA, by=people.sam)
        assert (kept.json()["category"], kept.json()["barcode"]) == ("Drinks", self.CODE)
        removed = await api.call("PATCH", path, {"category": None, "barcode": None}, by=people.sam)
        assert (removed.json()["category"], removed.json()["barcode"]) == (None, None)

    async def test_find_products(self, api: Api, people: People) -> None:
        await add(api, people.sam, category="Süßes", barcode=self.CODE)
        await add(api, people.sue, name="Tea", category="SÜSSES", barcode=self.CODE)
        await add(api, people.sue, name="Gum", category="Süßes und mehr")
        for query, names in (
            ("category=süsses", ["Cola", "Tea"]),
            ("category=süsse", []),
            (f"barcode={self.CODE}", ["Cola", "Tea"]),
            (f"barcode={self.CODE}&seller={people.sue.user_id}", ["Tea"]),
            (f"barcode={self.CODE}&category=nuts", []),
            (f"barcode={self.CODE[:-1]}", []),
            ("barcode=' OR 1=1", []),
            ("category=%3Cb%3E&sort=-price", []),
        ):
            answer = await api.get(f"{PRODUCTS}?{query}")
            assert [one["name"] for one in answer.json()["items"]] == names, query
        for query in (f"category={'x' * 41}", "category=", "category=a%00", f"barcode={'1' * 49}"):
            assert (await api.get(f"{PRODUCTS}?{query}")).status_code == 422, query

    async def test_a_barcode_that_is_taken_is_named(self, api: Api, people: People) -> None:
        cola = await add(api, people.sam, barcode=self.CODE)
        before = await api.shop.books()
        answer = await api.post(PRODUCTS, COLA | {"name": "Tea", "barcode": self.CODE}, by=people.sam)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:tuckshop:problem:barcode-taken")
        assert (answer.json()["barcode"], answer.json()["product"]) == (self.CODE, cola["id"])
        assert await api.shop.books() == before

    @pytest.mark.parametrize(
        "wrong",
        [
            {"category": "x" * 41},
            {"category": "a\nb"},
            {"category": ""},
            {"category": 7},
            {"barcode": "123"},
            {"barcode": "<b>1</b>"},
            {"barcode": "=1+1+1"},
            {"barcode": "1" * 49},
            {"barcode": "1234\u00005"},
        ],
    )
    async def test_a_wrong_one_is_refused_by_its_field(
        self, api: Api, people: People, wrong: dict[str, Any]
    ) -> None:
        cola = await add(api, people.sam)
        before = await api.shop.books()
        for answer in (
            await api.post(PRODUCTS, COLA | {"name": "Tea"} | wrong, by=people.sam),
            await api.call("PATCH", f"{PRODUCTS}/{cola['id']}", wrong, by=people.sam),
        ):
            assert answer.status_code in (400, 422), answer.text
            assert next(iter(wrong)) in answer.text
        assert await api.shop.books() == before
