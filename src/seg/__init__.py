"""Customer segments you can trust and act on, from raw orders, with every run comparable.

import seg
result = seg.segment(orders, customer_id="cust", ordered_at="date", amount="total")
result.segments
"""

from seg.errors import SegError

__version__ = "0.1.0"
__all__ = ["SegError", "Segmentation", "load", "segment"]
# Imported when first used: they need pandas and scikit-learn, which `seg --help` and errors in options do not wait for.
_LATE = {
    "Segmentation": "seg.cli.segmentation",
    "load": "seg.cli.notebook",
    "segment": "seg.cli.notebook",
}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module 'seg' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LATE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATE])
