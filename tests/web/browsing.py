"""A browser without scripts: it keeps cookies, knows which fields belong to a button, and presses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from secrets import token_urlsafe
from typing import Any

import httpx

VOID = {"input", "meta", "link", "img", "br"}


@dataclass
class Page(HTMLParser):
    """What stands in a page: its elements, by id, and its texts."""

    content: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, str | None]] = []
        self._form: str | None = None
        self._select = ""
        self.feed(self.content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = found.setdefault("id", f"form-{len(self.elements)}")
        if tag in ("input", "button", "select", "option", "textarea"):
            found.setdefault("form", self._form or "")
        if tag == "select":
            self._select = found["name"]
        if tag == "option":
            found["name"] = self._select
        self.elements.append((tag, found))
        if tag not in VOID:
            self._open.append((tag, found.get("id")))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag == "form":
            self._form = None

    @property
    def text(self) -> str:
        """All that can be read."""
        return " ".join(self.said)

    def handle_data(self, data: str) -> None:
        self.said.append(data.strip())
        for _, name in self._open:
            if name:
                self.texts[name] = f"{self.texts.get(name, '')} {data.strip()}".strip()

    def by_id(self, name: str) -> dict[str, str] | None:
        """The attributes of the element of this id."""
        return next((found for _, found in self.elements if found.get("id") == name), None)

    def named(self, name: str) -> list[dict[str, str]]:
        """The attributes of all elements of this name."""
        return [found for _, found in self.elements if found.get("name") == name]

    def form_of(self, button: str) -> str:
        """The id of the form that a button sends."""
        found = self.by_id(button)
        assert found is not None, f"there is no button {button}"
        return found["form"]

    def fields(self, form: str) -> dict[str, str]:
        """What the form would send."""
        sent: dict[str, str] = {}
        for tag, found in self.elements:
            is_off = found.get("type") in ("radio", "checkbox") and "checked" not in found
            if tag == "option" and found["form"] == form and "selected" in found:
                sent[found["name"]] = found["value"]
            if tag == "input" and found["form"] == form and "name" in found and "disabled" not in found:
                on = "on" if found.get("type") == "checkbox" else ""
                sent |= {} if is_off else {found["name"]: found.get("value", on)}
        return sent


@dataclass
class Browser:
    """One browser on one page of the shop."""

    client: httpx.AsyncClient
    answer: httpx.Response | None = None
    page: Page = field(default_factory=lambda: Page(""))

    async def open(self, path: str = "/", **more: Any) -> Page:
        """The page at this address, whatever it leads to."""
        return self.look(await self.client.get(path, **more))

    async def press(self, name: str, page: Page | None = None, /, **filled: str) -> Page:
        """The button of this id, on this page or an earlier one; `filled` stands in its form's fields."""
        method, action, sent = self.request(name, page, **filled)
        if method == "get":
            return self.look(await self.client.get(action, params=sent))
        return self.look(await self.client.post(action, data=sent))

    async def post(self, path: str, fields: dict[str, str], **more: Any) -> httpx.Response:
        """A form as any page of ours could send it, answered by whatever it leads to."""
        token = next(found["value"] for _, found in self.page.elements if found.get("name") == "form")
        return await self.client.post(path, data={"form": token} | fields, **more)

    async def post_form(self, name: str, /, **filled: str) -> Page:
        """As `press`, with another key: not the same press again."""
        return await self.press(name, None, **filled | {"key": token_urlsafe(16)})

    async def own_post(self, path: str, fields: dict[str, str]) -> httpx.Response:
        """As `post`, with the token of the page that this browser would be shown."""
        await self.open("/account/profile")
        return await self.post(path, fields)

    def request(
        self, name: str, page: Page | None = None, /, **filled: str
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

    def shows(self, text: str) -> bool:
        """Whether the page says this, whatever its spacing."""
        return " ".join(text.split()) in " ".join(self.page.text.split())

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

    def look(self, answer: httpx.Response) -> Page:
        """On this page now, however the browser got there."""
        self.answer = answer
        self.page = Page(answer.text)
        return self.page
