"""Two segmentations of the same customers in one table: how many are in both, and where they disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.segments.formats import ENGLISH, Locale


@dataclass(frozen=True)
class CrossTab:
    """Segments against rule segments.

    Parameters
    ----------
    counts : DataFrame
        Customers, one row a segment (by name), one column a rule segment.
    """

    counts: pd.DataFrame

    @property
    def sentence(self) -> str:
        """How far they agree, and where they disagree most."""
        return self.written(ENGLISH)

    def written(self, locale: Locale) -> str:
        """Return the sentence with the numbers of a locale."""
        apart = _most_divided(self.counts, locale)
        return f"{_guessed(self.counts, locale)} {apart}".strip()

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
    return CrossTab(counts)


def _guessed(counts: pd.DataFrame, locale: Locale) -> str:
    """Compare the segment that each rule segment points to with guessing the largest segment."""
    total = counts.to_numpy().sum()
    right = counts.max().sum() / total
    blind = counts.sum(axis=1).max() / total
    return (
        f"Knowing the rule segment of a customer, you guess the segment right for {locale.percent(right)} of them "
        f"({locale.percent(blind)} without)."
    )


def _most_divided(counts: pd.DataFrame, locale: Locale) -> str:
    """Describe the rule segment that adds most customers outside its main segment."""
    outside = counts.sum() - counts.max()
    if not len(outside) or outside.max() == 0:
        return "The two agree on every customer."
    name = outside.idxmax()
    column = counts[name].sort_values(ascending=False, kind="stable")
    column = column[column > 0]
    shares = (column / column.sum()).head(3)
    parts = [f"{locale.percent(share)} are {segment}" for segment, share in shares.items()]
    return (
        f"They disagree most about {name} ({locale.number(int(column.sum()))} customers): {', '.join(parts)}."
    )
