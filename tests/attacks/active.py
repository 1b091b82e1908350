"""Find what a browser would run or fetch of an attacker's text in a page."""

from __future__ import annotations

import html.parser
import re

MARK = "31337"
"""Stands in every text of `catalogue_showing`."""


class _Active(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag if tag in ("script", "style") else ""
        for name, value in attrs:
            risky = name.startswith("on") or name in ("src", "style", "content", "action")
            if name == "href":  # a plain link to the web is for a person to follow or not
                risky = not re.match(r"(https?://|mailto:|#)", value or "")
            if MARK in name or (risky and MARK in (value or "")):
                self.found.append(f"<{tag} {name}={value}>")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside and MARK in data:
            self.found.append(f"<{self.inside}>{data[:200]}")


def active(page: str) -> list[str]:
    """Tags, addresses and events in a page that hold the attacker's mark."""
    parser = _Active()
    parser.feed(page)
    return parser.found
