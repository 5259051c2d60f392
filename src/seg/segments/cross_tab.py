"""Two segmentations of the same customers in one table: how many are in both, and where they disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class CrossTab:
    """Segments against rule segments.

    Parameters
    ----------
    counts : DataFrame
        Customers, one row a segment (by name), one column a rule segment.
    sentence : str
        How far they agree, and where they disagree most.
    """

    counts: pd.DataFrame
    sentence: str

    @property
    def shares(self) -> pd.DataFrame:
        """Share of each row's customers, rows add up to 1."""
        return self.counts.div(self.counts.sum(axis=1).replace(0, np.nan), axis=0)

    @property
    def long(self) -> pd.DataFrame:
        """One row a pair: ``segment``, ``rule_segment``, ``customers``, ``share_of_segment``, ``share_of_rule_segment``."""
        stacked = self.counts.stack().rename("customers").reset_index()
        stacked.columns = ["segment", "rule_segment", "customers"]
        rows, columns = self.counts.sum(axis=1), self.counts.sum()
        return stacked.assign(
            share_of_segment=stacked["customers"] / stacked["segment"].map(rows),
            share_of_rule_segment=stacked["customers"] / stacked["rule_segment"].map(columns),
        )


def cross_tab(
    labels: np.ndarray, names: Mapping[int, str], rule_segments: np.ndarray, order: Sequence[str]
) -> CrossTab:
    """Count customers by segment and rule segment.

    Parameters
    ----------
    labels : ndarray of shape (n_customers,)
    names : mapping of int to str
        Of the segments, in the order of the rows.
    rule_segments : ndarray of shape (n_customers,)
    order : sequence of str
        Rule segments, in the order of the columns; those without customers are left out.
    """
    counts = pd.crosstab(np.asarray(labels), np.asarray(rule_segments))
    counts = counts.reindex(
        index=list(names), columns=[one for one in order if one in counts.columns], fill_value=0
    )
    counts.index = pd.Index([names[segment] for segment in names], name="segment")
    counts.columns.name = "rule_segment"
    return CrossTab(counts, _sentence(counts))


def _sentence(counts: pd.DataFrame) -> str:
    """Compare the segment that each rule segment points to with guessing the largest segment."""
    total = counts.to_numpy().sum()
    right = counts.max().sum() / total
    blind = counts.sum(axis=1).max() / total
    text = f"Knowing the rule segment of a customer, you guess the segment right for {right:.0%} of them ({blind:.0%} without)."
    apart = _most_divided(counts)
    return f"{text} {apart}" if apart else text


def _most_divided(counts: pd.DataFrame) -> str:
    """Describe the rule segment that adds most customers outside its main segment."""
    outside = counts.sum() - counts.max()
    if not len(outside) or outside.max() == 0:
        return "The two agree on every customer."
    name = outside.idxmax()
    column = counts[name].sort_values(ascending=False, kind="stable")
    column = column[column > 0]
    parts = [f"{share:.0%} are {segment}" for segment, share in (column / column.sum()).head(3).items()]
    return f"They disagree most about {name} ({column.sum():,} customers): {', '.join(parts)}."
