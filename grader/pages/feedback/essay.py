"""A student's Markdown as HTML that can't do anything.

Raw HTML is shown as text, pictures are only those attached to the cell, links lead to the web or
to a mailbox.  A second pass with an allow-list stands behind the renderer, in case it errs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import mistune
import nh3
from markupsafe import Markup, escape

from grader.text import clean

_LIMIT = 20_000
_LINK = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x1f\"'<>\\]+", re.IGNORECASE)
_TAGS = {"a", "blockquote", "br", "code", "del", "em", "h5", "hr", "img", "li", "ol", "p", "pre"}
_TAGS |= {"strong", "table", "tbody", "td", "th", "thead", "tr", "ul"}
_ATTRIBUTES = {"a": {"href", "rel"}, "img": {"alt", "src"}, "code": {"class"}, "pre": {"class"}}
_PICTURE = ("data:image/png;base64,", "data:image/jpeg;base64,")


class _Renderer(mistune.HTMLRenderer):
    """HTML without headings of the page's own rank, foreign pictures or odd links."""

    def __init__(self, attachments: Mapping[str, str]) -> None:
        super().__init__(escape=True)
        self._attachments = attachments

    def heading(self, text: str, level: int, **attrs: object) -> str:
        return f"<h5>{text}</h5>\n"

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not _LINK.fullmatch(url):
            return text
        return f'<a href="{escape(url)}" rel="noopener noreferrer nofollow">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        picture = self._attachments.get(url.removeprefix("attachment:"))
        label = escape(mistune.util.striptags(text))
        if not url.startswith("attachment:") or picture is None:
            return f"<em>[picture: {label or 'not attached'}]</em>"
        return f'<img src="{escape(picture)}" alt="{label}">'

    # formulas stay as they were typed: nothing that could set them is on the page
    def inline_math(self, text: str) -> str:
        return f'<code class="math">${escape(text)}$</code>'

    def block_math(self, text: str) -> str:
        return f'<pre class="math">{escape(text)}</pre>\n'


def to_html(markdown: str, attachments: Mapping[str, str] | None = None) -> Markup:
    """Render a student's Markdown.

    attachments: name -> data URL of pictures that were attached to the cell and found to be sound.
    """
    text = clean(markdown, _LIMIT)
    renderer = _Renderer(attachments or {})
    convert = mistune.Markdown(renderer=renderer)
    for plugin in ("table", "strikethrough", "math"):
        mistune.plugins.import_plugin(plugin)(convert)
    # the plugin registers renderers of its own, which do not escape
    renderer.register("inline_math", lambda _, text: renderer.inline_math(text))
    renderer.register("block_math", lambda _, text: renderer.block_math(text))
    try:
        rendered = str(convert(text))
    except Exception:  # whatever a hostile text does to the renderer, it is still readable as text
        return as_typed(text)
    return Markup(
        nh3.clean(
            rendered,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            attribute_filter=_allowed,
            url_schemes={"http", "https", "mailto", "data"},
            link_rel=None,
        )
    )


def as_typed(markdown: str, attachments: Mapping[str, str] | None = None) -> Markup:
    """A student's Markdown as text, and after it the pictures that were attached to the cell."""
    picture = Markup('<p><img src="{}" alt=""></p>')
    pictures = [picture.format(url) for url in (attachments or {}).values()]
    return Markup("").join([Markup("<pre>{}</pre>").format(clean(markdown, _LIMIT)), *pictures])


def _allowed(tag: str, name: str, value: str) -> str | None:
    """The value of an attribute that may stay; None takes it away."""
    good = {
        "href": _LINK.fullmatch(value) is not None,
        "src": value.startswith(_PICTURE),
        "class": value == "math",
    }
    return value if good.get(name, True) else None
