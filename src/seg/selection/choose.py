"""Choosing the number of segments: a panel of rules, their votes, and one stated rule over them.

The rule: k is the number of groups, the peaks in the density of the Gaussian mixture with the smallest BIC, if customers thin
out at the typical border between these groups by at least 4 standard errors. From 3 to 4 it is the largest k with every border
between two segments at least 3 standard errors deep, if there is one. Otherwise there is no clear k, and a repeatable
division is used and called so.

The other rules of the panel have no say: on generated data their votes made the choice no better. They are there to be seen.
It costs two mixtures for each k, fitted to 5,000 customers at most.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.errors import SegError
from seg.selection.rules import (
    BORDER,
    CLEAR,
    PANEL_COLUMNS,
    PEAKS,
    RULES,
    VOTE_COLUMNS,
    best_mixture,
    panel,
    votes,
)

__all__ = ["PANEL_COLUMNS", "RULES", "VOTE_COLUMNS", "Choice", "choose", "panel", "votes"]

SMALL_SHARE = 0.01  # a segment below one customer in a hundred is too small to act on
STRONG = 4.0  # standard errors at the typical border from which the groups of a mixture are trusted alone
REPEATABLE = 0.8  # mean adjusted Rand index of a division worth using where no k is clear


@dataclass(frozen=True)
class Choice:
    """A number of segments.

    Attributes
    ----------
    k : int
        At least 2, also where no k is clear.
    reason : str
        For people to read.
    clear : bool
        Whether the data have so many groups; False: `k` is a useful division, not a discovery.
    """

    k: int
    reason: str
    clear: bool


def choose(votes: pd.DataFrame, table: pd.DataFrame) -> Choice:
    """Choose k by the rule of this module.

    Parameters
    ----------
    votes, table : DataFrame
        From `votes` and `panel`.

    Raises
    ------
    SegError
        No k gives two segments or more.

    Notes
    -----
    1. Without a clear k: the largest Calinski-Harabasz index among the k whose bootstrap agreement is at least
       0.8; among all where none is. A k with a segment below 1 % of the customers is left aside as long as there is another.
    2. Groups are no k to choose if it was not tried, or if its segments include one below 1 %.
    3. `make bench` prints how often this finds the k of generated data, beside every single rule.
    """
    scan = table.set_index("k").sort_index()
    eligible, best = _eligible(scan), best_mixture(scan)
    if best is None:
        return _unclear(eligible, "every mixture has components that collapsed onto equal customers")
    if not best["mixture_border"] >= CLEAR:
        return _unclear(eligible, f"customers do not thin out between groups{_single(votes)}")
    k, border = int(best["mixture_groups"]), best["mixture_border"]
    if border < STRONG:
        # Whole numbers of orders can make such faint groups within one kind of customer: segments with clear borders decide.
        k = int(votes.set_index("rule")["k"].fillna(1)[BORDER])
    if k == 1:
        return _unclear(eligible, f"customers hardly thin out between groups{_single(votes)}")
    if k not in eligible.index:
        small = f"have one below {SMALL_SHARE:.0%} of the customers" if k in scan.index else "were not tried"
        return _unclear(eligible, f"customers form {k} groups, but {k} segments {small}")
    answers = votes["k"].dropna()
    said = f"{(answers == k).sum()} of {len(answers)} rules vote for {k} segments"
    return Choice(k, f"{said}: {_ground(k, best, eligible.loc[k])}", True)


def _ground(k: int, best: pd.Series, row: pd.Series) -> str:
    seen, border = int(best["mixture_groups"]), best["mixture_border"]
    if border < STRONG:
        return (
            f"customers thin out at every border between these segments, by {row['weakest_border']:.1f} standard errors at the weakest "
            f"(threshold: {CLEAR:g}); the {seen} groups that a mixture sees are too faint to count ({border:.1f}, threshold: {STRONG:g})"
        )
    return (
        f"customers form {seen} groups (the peaks of a mixture of {best.name} normal distributions) and thin out at the typical border "
        f"between them by {border:.1f} standard errors (threshold: {STRONG:g}); the segments agree with these groups to "
        f"{row['agreement']:.2f} (adjusted Rand index)"
    )


def _eligible(scan: pd.DataFrame) -> pd.DataFrame:
    n, scan = scan.loc[1, "smallest_segment"], scan[(scan.index > 1) & scan["calinski_harabasz"].notna()]
    if scan.empty:
        raise SegError(
            "k=auto: no k of selection.k_range gives two segments or more; give k, or another model"
        )
    whole = scan[scan["smallest_segment"] >= SMALL_SHARE * n]
    return whole if len(whole) else scan


def _single(votes: pd.DataFrame) -> str:
    one = votes.loc[(votes["k"] == 1) & ~votes["rule"].isin([BORDER, PEAKS]), "rule"].tolist()
    return f"; the {_listed(one)} see{'s' if len(one) == 1 else ''} a single group too" if one else ""


def _unclear(eligible: pd.DataFrame, why: str) -> Choice:
    repeatable = eligible[eligible["stability"] >= REPEATABLE]
    pool = repeatable if len(repeatable) else eligible
    k = int(pool["calinski_harabasz"].idxmax())
    agreement = eligible.loc[k, "stability"]
    how = "largest Calinski-Harabasz index"
    if len(repeatable):
        how += f" of those that bootstrap samples repeat (adjusted Rand index {agreement:.2f}, threshold {REPEATABLE:g})"
    elif np.isfinite(agreement):
        how += f", but bootstrap samples hardly repeat it (adjusted Rand index {agreement:.2f}, threshold {REPEATABLE:g})"
    reason = f"no clear k: {why}. {k} segments are used, a useful division and not a discovery: {how}"
    return Choice(k, reason, False)


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
