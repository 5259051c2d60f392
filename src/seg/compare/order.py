"""The stated order: which evidence a run has, which it lacks or fails, and which run is best.

1. A run is a *candidate* when everything was measured and nothing failed: every segment comes back in bootstrap samples,
   the silhouette is better than on null data, and, where the data allow a hold-out, segments tell who buys later and are no
   worse at that than rule-based RFM. Then come runs that *lack* a measurement, then runs that *fail* one. Flagged runs are in no list.
2. With a hold-out, candidates are ordered by the deviance of the later buying and spending that their segments explain, and the
   best is the one with the fewest segments within one standard error of the largest: what lasts and predicts, as simply as possible
   (the rule of one standard error of Breiman et al. 1984, Classification and Regression Trees, 3.4.3). Separation has no say there: it falls with every
   segment that is added, so two segments would win however much more others predict.
3. Without a hold-out, candidates are ordered by stability (lowest bootstrap Jaccard, from 0.5, where segments dissolve) times separation (common
   silhouette), and the first is best.
4. Runs that lack or fail something are ordered by their common silhouette alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.compare.attempts import EXPLAINED, SCORE
from seg.evaluation.verdicts import DISCRIMINATES, STABLE
from seg.metrics.null_result import LEVEL, NEEDED

RULE = (
    "Order: runs whose evidence is complete and sound first, by the deviance of later buying and spending that their segments explain "
    "(without a hold-out: by stability x separation); best is the one with the fewest segments within one standard error of the largest. Then runs "
    "that lack evidence, then runs that fail a test, both by common/silhouette."
)
# From chance to the best possible.
RANGES = {"stability/jaccard_min": (0.5, 1.0), "holdout/auc": (0.5, 1.0), SCORE: (0.0, 1.0)}
STANDINGS = ("candidate", "lacks", "fails")


@dataclass(frozen=True)
class Demand:
    """What a candidate must show.

    Parameters
    ----------
    holdout : bool
        Whether the data set allows a temporal hold-out.
    cut : str
        The hold-out by which runs are compared, as in the tag ``holdout``; an AUC of another one is none.
    """

    holdout: bool
    cut: str = ""

    @property
    def criteria(self) -> list[str]:
        """Metrics by which candidates are compared."""
        return [name for name in RANGES if self.holdout or not name.startswith("holdout/")]


def demand_of(attempts: pd.DataFrame, holdout: bool) -> Demand:
    """Take the hold-out that most runs share, of equals the newest."""
    cuts = attempts.loc[attempts["holdout/auc"].notna(), "holdout"]
    counts = cuts.value_counts(sort=False)
    return Demand(holdout, counts.index[counts.argmax()] if len(counts) else "")


def judged(attempts: pd.DataFrame, demand: Demand) -> pd.DataFrame:
    """Add what each run lacks and fails, its standing, its worth, whether it is the best and on the Pareto front.

    Returns
    -------
    DataFrame
        With `lacks` and `fails` (lists of text), `standing`, `worth` (NaN unless a candidate), `simplest` (the best one) and `front`.
    """
    table = attempts.copy()
    other = table["holdout"] != demand.cut
    table.loc[
        other, ["holdout/auc", "holdout/auc_rule_rfm", "holdout/auc_random", "holdout/lift", *EXPLAINED]
    ] = np.nan
    evidence = [shortcomings(row, demand) for row in table.to_dict("records")]
    table["lacks"] = [lacks for lacks, _ in evidence]
    table["fails"] = [fails for _, fails in evidence]
    table["standing"] = ["fails" if fails else "lacks" if lacks else "candidate" for lacks, fails in evidence]
    candidates = (table["standing"] == "candidate").to_numpy()
    values = table[demand.criteria].to_numpy(dtype=float)
    worth = table[EXPLAINED[0]].to_numpy(dtype=float) if demand.holdout else _volume(values, demand.criteria)
    table["worth"] = np.where(candidates, worth, np.nan)
    table["simplest"] = False
    if candidates.any():
        errors = table[EXPLAINED[1]].fillna(0.0) if demand.holdout else pd.Series(0.0, index=table.index)
        table.loc[_simplest(table[candidates], errors), "simplest"] = True
    table["front"] = False
    table.loc[candidates, "front"] = pareto(values[candidates])
    return table


def pareto(values: np.ndarray) -> np.ndarray:
    """Mark the rows that no other row beats: at least as good in every column and better in one.

    Parameters
    ----------
    values : array of shape (n, d)
        Larger is better, no missing values.

    Returns
    -------
    ndarray of shape (n,), bool

    Examples
    --------
    >>> pareto(np.array([[1, 3], [2, 2], [1, 2]])).tolist()
    [True, True, False]
    """
    values = np.asarray(values, dtype=float)
    at_least = (values[:, None, :] >= values[None, :, :]).all(axis=2)
    better = (values[:, None, :] > values[None, :, :]).any(axis=2)
    return ~(at_least & better).any(axis=0)


def ordered(table: pd.DataFrame, sort: str = "rule", descending: bool = True) -> pd.DataFrame:
    """Sort judged runs and number them: `rank` among all, `rank_at_k` and `of_at_k` among those of the same k.

    Parameters
    ----------
    table : DataFrame
        One row a run, as `judged` returns them.
    sort : str
        ``"rule"``, or a column of the table.
    descending : bool
        Whether a column is sorted from its largest value; the rule has its own direction.

    Returns
    -------
    DataFrame
        The runs in their order.
    """
    if sort == "rule":
        keys = [
            table["standing"].map(STANDINGS.index),
            ~table["simplest"],
            -table["worth"].fillna(-np.inf),
            -table[SCORE].fillna(-2.0),
        ]
    else:
        keys = [table[sort] * (-1 if descending else 1)]
    keys = [np.asarray(key, dtype=float) for key in [*keys, -table["started"].astype("int64")]]
    # lexsort takes the last key first and puts NaN at the end.
    table = table.iloc[np.lexsort(keys[::-1])].reset_index(drop=True)
    table["rank"] = np.arange(1, len(table) + 1)
    by_k = table.groupby("k")["rank"]
    return table.assign(
        rank_at_k=by_k.rank().astype(int) if len(table) else [], of_at_k=by_k.transform("size")
    )


def best(table: pd.DataFrame) -> pd.Series | None:
    """Return the best candidate, None when no run is one."""
    simplest = table[table["simplest"]]
    return None if simplest.empty else simplest.iloc[0]


def shortcomings(run: dict, demand: Demand) -> tuple[list[str], list[str]]:
    """List the evidence that a run lacks, and the tests that it fails."""
    lacks, fails = [], []
    if np.isnan(run[SCORE]):
        fails.append("no silhouette")
    worst = run["stability/jaccard_min"]
    if np.isnan(worst):
        lacks.append("stability")
    elif worst < STABLE:
        fails.append(f"stability {worst:.2f}")
    p = run["null/p"]
    if np.isnan(p):
        lacks.append("null")
    elif run["null/draws"] < NEEDED:
        lacks.append("null draws")
    elif p > LEVEL:
        fails.append(f"noise p {p:.2f}")
    auc, explained = run["holdout/auc"], run[EXPLAINED[0]]
    if demand.holdout and (np.isnan(auc) or np.isnan(explained)):
        lacks.append("hold-out")
    elif demand.holdout and (auc < DISCRIMINATES or auc <= run["holdout/auc_random"]):
        fails.append(f"hold-out {auc:.2f}")
    elif demand.holdout and run[EXPLAINED[2]] < 0:
        fails.append("worse than rule RFM")
    return lacks, fails


def _simplest(candidates: pd.DataFrame, errors: pd.Series) -> object:
    """Return the index of the candidate with the fewest segments within one standard error of the largest worth."""
    top = candidates["worth"].idxmax()
    near = candidates[candidates["worth"] >= candidates.loc[top, "worth"] - errors[top]]
    return near.sort_values(["n_segments", "worth"], ascending=[True, False]).index[0]


def _volume(values: np.ndarray, criteria: list[str]) -> np.ndarray:
    shares = [
        np.clip((values[:, place] - low) / (high - low), 0, 1)
        for place, (low, high) in enumerate(RANGES[name] for name in criteria)
    ]
    return np.prod(shares, axis=0) if shares else np.ones(len(values))
