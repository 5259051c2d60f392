"""Names that MLflow takes: columns of users may be called anything, and two that differ stay two."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 200  # MLflow takes 250
REFUSED = re.compile(r"[^/\w.\- ]")


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """Map names to names that MLflow takes for metrics and parameters.

    A name that MLflow takes as it is stays; of others the characters that it refuses become ``_``, and a number is added
    where two would become one.

    >>> safe_names(["explained/Annual Income (k$)", "explained/a%b", "explained/a?b", "k"])["explained/a?b"]
    'explained/a_b_2'
    """
    names = sorted(set(names), key=lambda name: (_spelled(name) != name, name))
    unique_names: dict[str, str] = {}
    for name in names:
        spelled = _spelled(name)
        number = 2
        while (unique := spelled if number == 2 else f"{spelled}_{number - 1}") in unique_names:
            number += 1
        unique_names[unique] = name
    return {name: unique for unique, name in unique_names.items()}


def _spelled(name: str) -> str:
    # MLflow makes paths of names: no part may be empty or lead upwards.
    parts = [REFUSED.sub("_", part).strip() for part in name[:LONGEST].split("/")]
    return "/".join("_" if part.strip(".") == "" else part for part in parts)
