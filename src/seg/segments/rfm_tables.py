"""Rule segments in tables: how many customers and how much money each has, and what the scores mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.segments import places, usual_gap
from seg.segments.cross_tab import CrossTab, cross_tab
from seg.segments.formats import ENGLISH, Locale
from seg.segments.rfm import LETTERS, MEASURES, SCORES, RfmBook

COLUMNS = {
    "recency": ("recency_days", "elapsed_days"),
    "frequency": ("orders",),
    "money": ("revenue", "net_revenue"),
}


@dataclass(frozen=True)
class RuleSegments:
    """Rule-based RFM of the customers of a run.

    Parameters
    ----------
    scored : DataFrame
        As `seg.segments.rfm.RfmBook.score` returns it.
    counts, ranges : DataFrame
        As `counts` and `ranges` return them.
    cross : CrossTab or None
        Segments against rule segments; None without segments.
    early : EarlyWords or None
        Names that speak of leaving too early; None where there are none, or the usual gap is not known.
    """

    scored: pd.DataFrame
    counts: pd.DataFrame
    ranges: pd.DataFrame
    cross: CrossTab | None
    early: EarlyWords | None = None


@dataclass(frozen=True)
class EarlyWords:
    """Rule segments of customers who ordered longer ago than others, but have not waited longer than usual.

    Parameters
    ----------
    names : tuple of str
    gap : float
        Usual gap between two orders, in days; infinite where nobody has ordered twice.
    """

    names: tuple[str, ...]
    gap: float

    def written(self, locale: Locale = ENGLISH) -> str:
        """Return what the names do not mean here, and bounds that mean it."""
        listed = ", ".join(f"“{name}”" for name in self.names)
        text = f"{listed}: ordered longer ago than others, but most have not waited longer than usual"
        if not np.isfinite(self.gap):
            return f"{text}, as nobody has ordered twice: read these names as an order of customers, not as customers lost."
        bounds = ", ".join(f"{self.gap * times:.0f}" for times in (0.25, 0.5, 1, 2))
        return (
            f"{text} (about {locale.number(round(self.gap))} days from one order to the next): read these names as an order of "
            f"customers, not as customers lost. For scores that follow the usual gap: 'rfm.cuts.recency={{bounds: [{bounds}]}}'."
        )


def measures(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Return recency, frequency and money of every customer, None if the table lacks one of them."""
    chosen = {
        one: next((name for name in names if name in frame.columns), None) for one, names in COLUMNS.items()
    }
    if None in chosen.values():
        return None
    return pd.DataFrame({one: frame[name] for one, name in chosen.items()}, index=frame.index)


def rule_segments(
    frame: pd.DataFrame,
    book: RfmBook,
    labels: np.ndarray | None = None,
    names: Mapping[int, str] | None = None,
) -> RuleSegments | None:
    """Score the customers of a feature table and count them, against the segments of a model if there are any.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_columns)
        Features in original units.
    book : RfmBook
    labels : ndarray of shape (n_customers,), optional
        Segment of each customer.
    names : mapping of int to str, optional
        Of the segments, in the order of the rows.

    Returns
    -------
    RuleSegments or None
        None if the table has no recency, orders or revenue.
    """
    values = measures(frame)
    if values is None:
        return None
    scored = book.score(*(values[one] for one in MEASURES))
    cross = (
        None if labels is None else cross_tab(labels, names, scored["rule_segment"].to_numpy(), book.names)
    )
    counted = counts(scored, values["money"], book.names)
    middle = values["recency"].groupby(scored["rule_segment"].to_numpy()).median()
    counted["median_recency_days"] = counted["rule_segment"].map(middle)
    return RuleSegments(scored, counted, ranges(scored, values), cross, early_words(frame, scored))


def early_words(frame: pd.DataFrame, scored: pd.DataFrame) -> EarlyWords | None:
    """Return the rule segments of the two lowest scores of recency that have waited no longer than usual on average.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_columns)
        Features in original units.
    scored : DataFrame
        As `RfmBook.score` returns it; same index.
    """
    waited = places.of_customers(frame, "waited")
    if waited is None:
        return None
    grouped = pd.DataFrame({"r": scored["r"], "waited": waited}).groupby(scored["rule_segment"])
    table = grouped.agg(highest=("r", "max"), waited=("waited", "mean"))
    names = table.index[(table["highest"] <= 2) & (table["waited"] < 0.5)]
    return EarlyWords(tuple(map(str, names)), usual_gap.gap_of_all(frame)) if len(names) else None


def counts(scored: pd.DataFrame, revenue: pd.Series, names: Sequence[str]) -> pd.DataFrame:
    """Count the customers and the money of every rule segment, those without customers too.

    Parameters
    ----------
    scored : DataFrame
        As `RfmBook.score` returns it.
    revenue : Series of shape (n_customers,)
        Same index.
    names : sequence of str
        Rule segments in the order to show.

    Returns
    -------
    DataFrame
        ``rule_segment``, ``customers``, ``share``, ``revenue``, ``revenue_share``, and the mean scores ``r``, ``f``, ``m``.
    """
    by_name = scored["rule_segment"].to_numpy()
    sizes = pd.Series(by_name).value_counts().reindex(names, fill_value=0)
    sums = revenue.groupby(by_name).sum().reindex(names, fill_value=0.0)
    means = scored[list(LETTERS)].groupby(by_name).mean().reindex(names)
    total = sums.sum()
    return pd.DataFrame(
        {
            "rule_segment": list(names),
            "customers": sizes.to_numpy(),
            "share": sizes.to_numpy() / max(len(scored), 1),
            "revenue": sums.to_numpy(),
            "revenue_share": sums.to_numpy() / total if total else np.nan,
            **{letter: means[letter].to_numpy() for letter in LETTERS},
        }
    )


def ranges(scored: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """List from which value to which each score goes: ``measure``, ``score``, ``lowest``, ``highest``, ``customers``.

    Parameters
    ----------
    scored : DataFrame
        As `RfmBook.score` returns it.
    values : DataFrame
        Columns recency, frequency and money in original units.
    """
    rows = []
    for letter, measure in zip(LETTERS, MEASURES, strict=True):
        grouped = values[measure].groupby(scored[letter].to_numpy())
        for score in SCORES:
            if score not in grouped.groups:
                rows.append((measure, score, np.nan, np.nan, 0))
                continue
            one = grouped.get_group(score)
            rows.append((measure, score, one.min(), one.max(), len(one)))
    return pd.DataFrame(rows, columns=["measure", "score", "lowest", "highest", "customers"])
