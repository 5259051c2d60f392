"""Figures that a study has published, beside those of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real

import pandas as pd

from seg.errors import SegError

COLUMNS = ["figure", "source", "reference", "ours", "tolerance", "verdict"]
SAME, DIFFERS, OPEN, OTHER = "same", "DIFFERS", "not published", "other data"
UNKNOWN, SAMPLE = "not measured", "sample data"


def values(ledger: pd.DataFrame, segments: pd.DataFrame, k_scan: pd.DataFrame, metrics: Mapping) -> dict:
    """Return every number of a run that a study may have published, by its key.

    Parameters
    ----------
    ledger : DataFrame
        ``step``, ``rows``, ``customers``, ``revenue``.
    segments : DataFrame
        One row a segment: ``segment``, ``size`` and further numbers.
    k_scan : DataFrame
        One row a k.
    metrics : mapping of str to float

    Returns
    -------
    dict
        Metrics under their names; ``ledger/<step>/rows`` (or customers, revenue) after a cleaning step (the last of that
        name), ``scan/<metric>/<k>``, ``segments/<number>/<column>``, and ``sizes``, the sizes of all segments, largest
        first.
    """
    named: dict[str, object] = dict(metrics)
    for row in ledger.to_dict("records"):
        named |= {f"ledger/{row['step']}/{what}": row[what] for what in ("rows", "customers", "revenue")}
    for row in k_scan.to_dict("records"):
        named |= {f"scan/{name}/{int(row['k'])}": value for name, value in row.items() if name != "k"}
    for row in segments.to_dict("records"):
        numbers = {name: value for name, value in row.items() if isinstance(value, Real)}
        named |= {f"segments/{row['segment']}/{name}": value for name, value in numbers.items()}
    return named | {"sizes": sorted((int(size) for size in segments["size"]), reverse=True)}


def compare(published: Sequence, ours: Mapping, real: bool) -> pd.DataFrame | None:
    """Compare published figures with those of a run.

    Parameters
    ----------
    published : sequence of `seg.config.settings.PublishedFigure`
    ours : mapping
        From `values`.
    real : bool
        False on sample data, where no figure can be the same.

    Returns
    -------
    DataFrame of text with columns figure, source (printed, rebuilt, not published), reference, ours, tolerance, verdict; None where
    there is nothing to compare with. The verdict is ``same`` if ours rounds to the reference, ``within 25 %`` if it differs by no more
    than the tolerance.
    """
    if not published:
        return None
    rows = []
    for entry in published:
        value = ours.get(entry.key)
        verdict = _verdict(entry.value, value, entry.tolerance) if real else SAMPLE
        shown = (_shown(entry.value), _shown(value), _tolerance(entry.tolerance))
        rows.append((entry.figure, entry.source, *shown, verdict))
    return pd.DataFrame(rows, columns=COLUMNS)


def markdown(table: pd.DataFrame) -> str:
    """Write the comparison as a Markdown table."""
    head = [f"| {' | '.join(COLUMNS)} |", "| --- | --- | ---: | ---: | ---: | --- |"]
    return "\n".join([*head, *("| " + " | ".join(row) + " |" for row in table.itertuples(index=False))])


def reach(tolerance: float | str, value: float) -> float:
    """Turn a tolerance, a number or a text such as ``1 %``, into the largest difference from `value`.

    Raises
    ------
    SegError
        It is neither.
    """
    text = str(tolerance).strip()
    share = text.removesuffix("%")
    try:
        size = float(share)
    except ValueError:
        size = -1.0
    if not 0 <= size < float("inf"):
        raise SegError(
            f"published: tolerance={tolerance}: expected a number of at least 0, or a share such as 1 %"
        )
    return abs(value) * size / 100 if share != text else size


def _verdict(published, measured, tolerance) -> str:
    if published is None:
        return OPEN
    wanted, values = _listed(published), _listed(measured)
    if measured is None or any(pd.isna(value) for value in values):
        return UNKNOWN
    if tolerance is None:
        return OTHER
    if len(wanted) != len(values):
        return DIFFERS
    pairs = list(zip(wanted, values, strict=True))
    if all(_rounds_to(a, b) for a, b in pairs):
        return SAME
    near = tolerance if isinstance(tolerance, str) else f"{tolerance:g}"
    return f"within {near}" if all(abs(a - b) <= reach(tolerance, a) for a, b in pairs) else DIFFERS


def _rounds_to(published: float, ours: float) -> bool:
    """Return whether ours is the published figure, to the digits that were published.

    >>> _rounds_to(0.596, 0.5957), _rounds_to(200.0, 198.0)
    (True, False)
    """
    digits = len(f"{published:.12g}".partition(".")[2])
    return bool(abs(ours - published) <= 0.5 * 10.0**-digits * (1 + 1e-9))


def _listed(value) -> list:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _shown(value) -> str:
    if value is None or (not isinstance(value, (list, tuple)) and pd.isna(value)):
        return "-"
    return " / ".join(f"{one:,.0f}" if float(one).is_integer() else f"{one:,.7g}" for one in _listed(value))


def _tolerance(tolerance: float | str | None) -> str:
    if tolerance is None:
        return "-"
    return "exact" if tolerance == 0 else f"{tolerance}"
