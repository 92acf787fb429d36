"""What a browser is called by people: "Firefox on Android", from what it says of itself."""

from __future__ import annotations

from tuckshop.web.ui.i18n import Words

# Most name others as well, to be taken for them: the particular stand before those that they name.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
    ("python", "Python"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
_LENGTH_MAX = 60  # Of what says nothing that we know.


def named(device: str | None, words: Words) -> str:
    """The device of a session."""
    if not device:
        return words.gettext("Unknown device")
    browser, system = _first(_BROWSERS, device), _first(_SYSTEMS, device)
    if browser and system:
        return words.gettext("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or device[:_LENGTH_MAX]


def _first(known: tuple[tuple[str, str], ...], device: str) -> str:
    return next((name for mark, name in known if mark.lower() in device.lower()), "")
