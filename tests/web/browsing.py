"""A browser without scripts: it keeps cookies, knows which fields belong to a button, and presses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

VOID = {"input", "meta", "link", "img", "br"}


@dataclass
class Page(HTMLParser):
    """What stands in a page: its elements, by id, and its texts."""

    content: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, str | None]] = []
        self._form: str | None = None
        self.feed(self.content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = found.setdefault("id", f"form-{len(self.elements)}")
        if tag in ("input", "button"):
            found.setdefault("form", self._form or "")
        self.elements.append((tag, found))
        if tag not in VOID:
            self._open.append((tag, found.get("id")))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        for _, name in self._open:
            if name:
                self.texts[name] = f"{self.texts.get(name, '')} {data.strip()}".strip()

    def by_id(self, name: str) -> dict[str, str] | None:
        """The attributes of the element of this id."""
        return next((found for _, found in self.elements if found.get("id") == name), None)

    def form_of(self, button: str) -> str:
        """The id of the form that a button sends."""
        found = self.by_id(button)
        assert found is not None, f"there is no button {button}"
        return found["form"]

    def fields(self, form: str) -> dict[str, str]:
        """What the form would send."""
        sent: dict[str, str] = {}
        for tag, found in self.elements:
            is_off = found.get("type") == "radio" and "checked" not in found
            if tag == "input" and found["form"] == form and "name" in found and "disabled" not in found:
                sent |= {} if is_off else {found["name"]: found.get("value", "")}
        return sent


@dataclass
class Browser:
    """One browser on one page of the shop."""

    client: httpx.AsyncClient
    answer: httpx.Response | None = None
    page: Page = field(default_factory=lambda: Page(""))

    async def open(self, path: str = "/", **more: Any) -> Page:
        """The page at this address, whatever it leads to."""
        return self._look(await self.client.get(path, **more))

    async def press(self, name: str, *, page: Page | None = None, **filled: str) -> Page:
        """The button of this id, on this page or an earlier one; `filled` stands in its form's fields."""
        method, action, sent = self.request(name, page=page, **filled)
        if method == "get":
            return self._look(await self.client.get(action, params=sent))
        return self._look(await self.client.post(action, data=sent))

    async def post(self, path: str, fields: dict[str, str], **more: Any) -> httpx.Response:
        """A form as any page of ours could send it, answered by whatever it leads to."""
        token = next(found["value"] for _, found in self.page.elements if found.get("name") == "form")
        return await self.client.post(path, data={"form": token} | fields, **more)

    def request(
        self, name: str, *, page: Page | None = None, **filled: str
    ) -> tuple[str, str, dict[str, str]]:
        """What pressing it would send."""
        page = page or self.page
        button = page.by_id(name)
        assert button is not None, f"there is no button {name}"
        assert "disabled" not in button, f"{name} cannot be pressed"
        form = page.by_id(page.form_of(name))
        assert form is not None
        sent = page.fields(page.form_of(name)) | (
            {button["name"]: button["value"]} if "name" in button else {}
        )
        return form.get("method", "get"), button.get("formaction") or form["action"], sent | filled

    async def log_in(self, username: str, password: str = "correct horse") -> None:
        """Logged in, whatever other sessions there are."""
        await self.open("/login")
        await self.press("log-in", username=username, password=password)
        assert self.path.startswith(("/account", "/login/others")), self.page.content

    async def put_in(self, *coins: int) -> Page:
        """Coins, one after the other."""
        for coin in coins:
            await self.press(f"coin-{coin}")
        return self.page

    @property
    def status(self) -> int:
        assert self.answer is not None
        return self.answer.status_code

    @property
    def path(self) -> str:
        """Where the browser is now."""
        assert self.answer is not None
        return self.answer.url.raw_path.decode()

    def field(self, name: str) -> dict[str, str]:
        """The field of this id."""
        found = self.page.by_id(name)
        assert found is not None, f"there is no field {name}"
        return found

    @property
    def says(self) -> str:
        """The display's sentence."""
        return self.page.texts["said"]

    @property
    def credit(self) -> str:
        return self.page.texts["credit"]

    @property
    def tray(self) -> str:
        return self.page.texts.get("tray", "")

    def _look(self, answer: httpx.Response) -> Page:
        self.answer = answer
        self.page = Page(answer.text)
        return self.page
