"""Texts in quotes as Hydra's grammar of overrides reads them; no library is imported for it."""

from __future__ import annotations

import re


def quoted(text: str) -> str:
    r"""Quote a text, so that Hydra reads exactly that text.

    Backslashes are doubled in front of a quote only: elsewhere Hydra keeps each of them.

    >>> print(quoted("it's"), quoted(r"C:\new"))
    'it\'s' 'C:\new'
    """
    doubled = re.sub(r"(\\*)'", lambda match: match[1] * 2 + "\\'", text)
    return "'" + re.sub(r"\\+\Z", lambda match: match[0] * 2, doubled) + "'"
