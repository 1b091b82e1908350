"""A course's TOML files, held against what they should be as they are read.

Whatever is wrong is refused in one sentence with the file, the setting, and what it should be.
"""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from grader.errors import ConfigError

Fraction = Annotated[float, Meta(ge=0, le=1)]

_WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a text in quotes",
    "object": "a table",
    "array": "a list",
    "datetime": "a date with time, 2027-01-29T23:59:00",
    "date": "a date alone",
    "null": "nothing",
}
"""What msgspec's names of types are called in a TOML file."""


def read(path: Path) -> dict[str, Any]:
    """A TOML file.  Raises ConfigError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: save it as UTF-8: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from None


def converted(value: Any, kind: Any, path: Path, where: str) -> Any:
    """A value as its setting wants it.  Raises ConfigError with the setting and what it wants."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        said, _, inside = str(error).partition(" - at `$")
        said = re.sub(r"^Object missing required field `(\w+)`", r"\1 is missing", said)
        said = re.sub(r"`(\w+)(?: \| null)?`", lambda m: _WORDS.get(m[1], m[1]), said)
        said = re.sub(r"a text in quotes matching regex .*", "the name of a package", said)
        setting = (where + inside.rstrip("`")).strip(".")
        told = f"{said[0].lower()}{said[1:]}"
        raise ConfigError(f"{path}: {setting}: {told}" if setting else f"{path}: {told}") from None


def refuse_endless(value: Any, path: Path, where: str) -> None:
    """Raise ConfigError for inf and nan, which TOML has."""
    if isinstance(value, dict):
        for key, inner in value.items():
            refuse_endless(inner, path, f"{where}.{key}" if where else key)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{path}: {where}: expected a number with an end, got {value}")


def refuse_unknown(settings: Any, kind: Any, path: Path, where: str) -> None:
    """Raise ConfigError for a key that no setting has: a slip would else change nothing."""
    if not isinstance(settings, dict):
        return
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        for key, value in settings.items():
            if key not in hints:
                known = ", ".join(f.name for f in fields(kind))
                raise ConfigError(f"{path}: unknown setting {where}{key}; known here: {known}")
            refuse_unknown(value, hints[key], path, f"{where}{key}.")
    elif get_origin(kind) is dict:
        for key, value in settings.items():
            refuse_unknown(value, get_args(kind)[1], path, f"{where}{key}.")
