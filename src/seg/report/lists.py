"""Lists for people: one row a customer with segment, name, features and what decided, as Parquet, CSV and Excel."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from seg.pipeline.interpret import Interpretation
from seg.report.spreadsheet import Sheet, workbook
from seg.segments import wording, worth
from seg.segments.explain import Explanation
from seg.segments.naming import Naming

CUSTOMERS = "customers"
MOST_IN_EXCEL = 1_048_576  # rows of a worksheet, its header among them
LIMIT = 200_000  # customers up to which CSV and Excel are written without being asked for
# What a spreadsheet takes for a formula at the beginning of a cell; a tab or a line break before it does not help.
FORMULA = re.compile(r"^[=+\-@\t\r]")
TAKEN = (
    "segment", "name", "distance", "probability", "next_segment", "next_distance", "next_probability", "decided_by",
    "rfm_score", "rule_segment",
)  # fmt: skip

# What the columns of an outlook are called in the workbook; its CSV files keep the names.
FURTHER = {
    "purchase_rate": "expected to buy", "lost_rate": "expected to be lost", "expected_spend": "expected spend", "usual_spend": "usual spend",
    "value_at_stake": "value at stake", "likely_anyway": "likely to buy anyway", "smallest_lift": "smallest growth that shows",
    "needed_for_1_points": "customers needed for 1 point", "needed_for_2_points": "customers needed for 2 points",
    "needed_for_5_points": "customers needed for 5 points",
}  # fmt: skip


@dataclass(frozen=True)
class Placed:
    """What is known of every customer beside the features, one row each, in the order of the features.

    Parameters
    ----------
    labels : ndarray of shape (n_customers,)
        Segment of each customer, -1 is noise.
    nearness : DataFrame
        ``distance``, ``next_segment``, ``next_distance``, or the same with ``probability``, see `seg.segments.deciding`.
    decided_by : Series of str
    scored : DataFrame, optional
        Rule-based RFM: ``score`` and ``rule_segment``.
    """

    labels: np.ndarray
    nearness: pd.DataFrame
    decided_by: pd.Series
    scored: pd.DataFrame | None = None


def customers(features: pd.DataFrame, names: dict[int, str], placed: Placed) -> pd.DataFrame:
    """Build the list of customers.

    Parameters
    ----------
    features : DataFrame of shape (n_customers, n_columns), index customer_id
        In original units. A feature named like a column of the list gets ``_feature`` behind its name.
    names : dict of int to str
        Of the segments.
    placed : Placed

    Returns
    -------
    DataFrame
        ``customer_id``, ``segment``, ``name``, the features, ``distance`` or ``probability``, ``next_segment`` (a name),
        ``next_distance`` or ``next_probability``, ``decided_by``, and with orders ``rfm_score`` and ``rule_segment``.
    """
    every = {**names, -1: names.get(-1, "noise")}
    named = pd.Series(placed.labels).map(every).to_numpy()
    own = features.rename(
        columns={name: f"{name}_feature" for name in (*TAKEN, "customer_id") if name in features}
    )
    nearness = placed.nearness.assign(
        next_segment=placed.nearness["next_segment"].map(lambda one: every.get(one, "") if one >= 0 else "")
    )
    head = pd.DataFrame(
        {"customer_id": features.index.astype(str), "segment": placed.labels.astype("int64"), "name": named}
    )
    parts = [head, own.reset_index(drop=True), nearness, placed.decided_by.rename("decided_by")]
    if placed.scored is not None:
        scored = placed.scored[["score", "rule_segment"]].rename(columns={"score": "rfm_score"})
        parts.append(scored.reset_index(drop=True))
    return pd.concat(parts, axis=1)


def csv_for_people(table: pd.DataFrame) -> bytes:
    """Write a table as CSV (UTF-8) in which no text can be taken for a formula.

    A text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return gets an apostrophe before it; numbers stay
    as they are. For programs, read the Parquet file.
    """
    guarded = table.copy()
    for name in guarded.columns:
        column = guarded[name]
        if not pd.api.types.is_numeric_dtype(column.dtype):
            changed = {one: guard(one) for one in column.dropna().unique().tolist()}
            if any(one is not text for one, text in changed.items()):
                guarded[name] = column.map(changed)
    guarded.columns = [guard(str(name)) for name in guarded.columns]
    written = io.BytesIO()
    pyarrow.csv.write_csv(pa.Table.from_pandas(guarded, preserve_index=False), written)
    return written.getvalue()


def guard(text: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would take for a formula.

    >>> guard("=1+1"), guard("Miller"), guard("-5")
    ("'=1+1", 'Miller', "'-5")
    """
    return f"'{text}" if isinstance(text, str) and FORMULA.match(text) else text


def segments_workbook(
    table: pd.DataFrame,
    segments: pd.DataFrame,
    meant: Interpretation,
    about: Mapping[str, str],
    further: Mapping[str, pd.DataFrame] | None = None,
) -> bytes:
    """Write the workbook of a run: read me, segments, customers, rules, cross-tab.

    Parameters
    ----------
    table : DataFrame
        As `customers` returns it.
    segments : DataFrame
        Profile of the segments.
    meant : Interpretation
        Names, rules and rule-based RFM; without orders there is no cross-tab.
    about : mapping of str to str
        Facts for the first sheet.
    further : mapping of str to DataFrame, optional
        More sheets by name, behind the others, such as the value at stake.
    """
    explanation, rules = meant.explanation, meant.rule_segments
    sheets = [
        Sheet("read me", _read_me(about, segments, explanation), wrapped=True),
        Sheet(
            "segments",
            _segments(segments, meant.naming),
            ("share of customers", f"share of {worth.words(segments)}"),
            wrapped=True,
        ),
        Sheet(
            "customers",
            table,
            tuple(name for name in table.columns if wording.is_share(name) or "probability" in name),
        ),
        Sheet("rules", explanation.rules, ("precision", "recall"), wrapped=True),
    ]
    if rules is not None:
        sheets.append(Sheet("cross-tab", rules.cross.counts.reset_index()))
    for name, extra in (further or {}).items():
        rates = tuple(one for one in extra.columns if one.endswith(("_rate", "_lift")))
        words = extra.rename(columns=FURTHER)
        sheets.append(Sheet(name, words, tuple(FURTHER.get(one, one) for one in rates), wrapped=True))
    return workbook(sheets)


def _read_me(about: Mapping[str, str], segments: pd.DataFrame, explanation: Explanation) -> pd.DataFrame:
    lines = [
        *about.items(),
        ("sheet segments", f"one row a segment: size, share of the {worth.words(segments)}, what to do, mean and median of each feature"),
        ("sheet customers", "one row a customer: segment, features in original units, distance to (or probability of) the own and "
         "the next segment, and the two features that decided"),
        ("sheet rules", f"a few questions that give {explanation.fidelity:.1%} of the customers the segment of the model"),
        ("sheet cross-tab", "customers by segment (rows) and by rule-based RFM (columns); only for data with orders"),
        *((f"column {name}", wording.label(name)) for name in _features(segments)),
    ]  # fmt: skip
    return pd.DataFrame([(str(one), str(text)) for one, text in lines], columns=["what", "text"])


def _segments(segments: pd.DataFrame, naming: Naming) -> pd.DataFrame:
    rules = [naming.rules.get(int(one)) for one in segments["segment"]]
    table = pd.DataFrame(
        {
            "segment": segments["segment"],
            "name": segments["name"],
            "customers": segments["size"],
            "share of customers": segments["share"],
            f"share of {worth.words(segments)}": segments["revenue_share"],
            "what to do": ["; ".join(action.do for action in rule.actions) if rule else "" for rule in rules],
        }
    )
    shown = [name for name in segments.columns if name.startswith(("mean_", "median_"))]
    sums = {
        f"sum_{name}": segments[f"mean_{name}"] * segments["size"]
        for name in _features(segments)
        if name in wording.ADDITIVE
    }
    return pd.concat([table, segments[shown], pd.DataFrame(sums, index=segments.index)], axis=1)


def _features(segments: pd.DataFrame) -> list[str]:
    return [name.removeprefix("median_") for name in segments.columns if name.startswith("median_")]
