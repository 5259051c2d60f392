"""Cleaning steps, and the ledger that says what each of them took away.

A step is a function of `steps` or `reviews` that a YAML names with its arguments, in the order it gives. Three kinds:

- a filter returns, for each row, whether to keep it; filters in a row are counted in one scan;
- a repair returns new values of some columns, row by row;
- a change returns a new table.
"""

from seg.cleaning.ledger import LEDGER_COLUMNS, clean, remarks
from seg.cleaning.reviews import PLACEHOLDERS
from seg.cleaning.step_registry import STEPS, Step, needs, parse
from seg.cleaning.steps import match_cancellations

__all__ = [
    "LEDGER_COLUMNS",
    "PLACEHOLDERS",
    "STEPS",
    "Step",
    "clean",
    "match_cancellations",
    "needs",
    "parse",
    "remarks",
]
