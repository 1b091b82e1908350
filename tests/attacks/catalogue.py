"""All attacks, and the honest submissions that look like some of them.

COURSE_ATTACKS, a regular expression on "class: name", chooses some while one works on them.
"""

from __future__ import annotations

import os
import re

from tests import long
from tests.attacks import (
    catalogue_answers,
    catalogue_breaking,
    catalogue_forging,
    catalogue_reading,
    catalogue_resources,
    catalogue_showing,
)
from tests.attacks.base import Attack

ALL = [
    *catalogue_forging.ATTACKS,
    *catalogue_reading.ATTACKS,
    *catalogue_answers.ATTACKS,
    *catalogue_breaking.ATTACKS,
    *catalogue_resources.ATTACKS,
    *catalogue_showing.ATTACKS,
    *catalogue_showing.HONEST,
]


def chosen() -> list[Attack]:
    """The attacks to try."""
    only = os.environ.get("COURSE_ATTACKS", "")
    tried = [attack for attack in ALL if long.asked() or not attack.long]
    return [attack for attack in tried if re.search(only, f"{attack.threat}: {attack.name}")]
