"""Cleaning steps, and the ledger that says what each of them took away.

A step is a function of `steps` that a YAML names with its arguments, in the order it gives. Two kinds:

- a filter returns, for each row, whether to keep it; filters in a row are counted in one scan;
- a change returns a new table.
"""

from seg.cleaning.ledger import LEDGER_COLUMNS, clean, remarks
from seg.cleaning.registry import STEPS, Step, needs, parse
from seg.cleaning.steps import match_cancellations

__all__ = ["LEDGER_COLUMNS", "STEPS", "Step", "clean", "match_cancellations", "needs", "parse", "remarks"]
