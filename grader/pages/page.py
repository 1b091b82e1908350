"""What the HTML pages share: templates that escape everything, one stylesheet, safe text.

Pages are self-contained: no external style, font, script or picture.  Whatever comes from a student
passes through `clean` and the templates' autoescape, never through `Markup`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import jinja2
from markupsafe import Markup

from grader.classroom.results import points
from grader.text import clean

HERE = Path(__file__).resolve().parent


def environment(folder: Path) -> jinja2.Environment:
    """Templates of a room, on base.html: autoescape always on, an unknown name is an error."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, HERE / "templates"]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "points": points,
        "percent": percent,
        "when": when,
        "span": span,
        "clean": clean,
        "words": words,
    }
    return env


def stylesheet(*files: Path) -> Markup:
    """The shared stylesheet and those of a room.  They are ours, so they need no escaping."""
    parts = [path.read_text(encoding="utf-8") for path in (HERE / "page.css", *files)]
    return Markup("\n".join(parts))


def percent(fraction: float) -> str:
    """A fraction as whole percent; "100 %" and "0 %" only if it is exactly that.

    >>> [percent(share).split() for share in (0.999, 0.5)]
    [['99', '%'], ['50', '%']]
    """
    value = round(100 * fraction)
    if 0 < fraction < 1:
        value = min(99, max(1, value))
    return f"{value}\N{NO-BREAK SPACE}%"


def when(moment: datetime | None) -> str:
    """Date and time, with the zone it was given in."""
    return moment.strftime("%Y-%m-%d %H:%M %Z").strip() if moment is not None else "?"


def span(duration: timedelta) -> str:
    """A duration in its two largest units.

    >>> span(timedelta(days=1, hours=3, minutes=5))
    '1 day 3 h'
    """
    minutes = int(duration.total_seconds() // 60)
    days, hours = divmod(minutes // 60, 24)
    parts = [f"{days} day{'s' if days != 1 else ''}"] if days else []
    parts += [f"{hours} h"] if hours else []
    parts += [f"{minutes % 60} min"] if minutes % 60 and not days else []
    return " ".join(parts) or "less than a minute"


def words(identifier: str) -> str:
    """An identifier as words: "why_stride" is "Why stride"."""
    text = clean(identifier, 100).replace("_", " ").strip()
    return text[:1].upper() + text[1:]
