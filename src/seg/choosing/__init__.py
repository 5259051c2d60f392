"""Choosing the number of segments: a panel of rules, their votes, and one stated rule over them.

The rule: a k qualifies where customers thin out at every border between two segments, clearly at each, or faintly at each
and strongly at the typical one. Of those that qualify the one with the largest silhouette is taken, or a larger one where
every border is still clear. Where none qualifies there is no clear k, and a repeatable division is used and called so.

The other rules of the panel have no say: on generated data their votes made the choice no better. They are there to be seen.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.choosing.rules import BORDER, CLEAR, FAINT, PANEL_COLUMNS, RULES, STRONG, VOTE_COLUMNS, panel, votes
from seg.errors import SegError

__all__ = ["PANEL_COLUMNS", "RULES", "VOTE_COLUMNS", "Choice", "choose", "panel", "votes"]

SMALL_SHARE = 0.01  # a segment below one customer in a hundred is too small to act on
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
    1. A k with a segment below 1 % of the customers is left aside as long as there is another.
    2. Without a clear k: the largest Calinski-Harabasz index among the k whose bootstrap agreement is at least
       0.8; among all where none is.
    3. `make bench` prints how often this finds the k of generated data, beside every single rule.
    """
    scan = table.set_index("k").sort_index()
    n, scan = scan.loc[1, "smallest_segment"], scan[scan.index > 1]
    scan = scan[scan["calinski_harabasz"].notna()]
    if scan.empty:
        raise SegError(
            "k=auto: no k of selection.k_range gives two segments or more; give k, or another model"
        )
    whole = scan[scan["smallest_segment"] >= SMALL_SHARE * n]
    eligible = whole if len(whole) else scan
    k = _clear(eligible)
    if k is None:
        return _unclear(votes, eligible)
    answers = votes["k"].dropna()
    typical, weakest = eligible.loc[k, ["typical_border", "weakest_border"]]
    reason = (
        f"{(answers == k).sum()} of {len(answers)} rules vote for {k} segments, and customers thin out at the borders between "
        f"them: by {weakest:.1f} standard errors at the weakest and {typical:.1f} at the typical one (threshold: {CLEAR:g} at "
        f"every border, or {FAINT:g} at every and {STRONG:g} at the typical one)"
    )
    return Choice(k, reason, True)


def _clear(eligible: pd.DataFrame) -> int | None:
    """Return the k that the data have, None where no k qualifies."""
    weakest = eligible["weakest_border"]
    clear = weakest >= CLEAR
    qualified = eligible[clear | ((weakest >= FAINT) & (eligible["typical_border"] >= STRONG))]
    if qualified.empty:
        return None
    return int(max([qualified["silhouette"].idxmax(), *eligible.index[clear]]))


def _unclear(votes: pd.DataFrame, eligible: pd.DataFrame) -> Choice:
    repeatable = eligible[eligible["stability"] >= REPEATABLE]
    pool = repeatable if len(repeatable) else eligible
    k = int(pool["calinski_harabasz"].idxmax())
    one = votes.loc[(votes["k"] == 1) & (votes["rule"] != BORDER), "rule"].tolist()
    also = f"; the {_listed(one)} see{'s' if len(one) == 1 else ''} a single group too" if one else ""
    agreement = eligible.loc[k, "stability"]
    how = "largest Calinski-Harabasz index"
    if len(repeatable):
        how += f" of those that bootstrap samples repeat (adjusted Rand index {agreement:.2f}, threshold {REPEATABLE:g})"
    elif np.isfinite(agreement):
        how += f", but bootstrap samples hardly repeat it (adjusted Rand index {agreement:.2f}, threshold {REPEATABLE:g})"
    reason = (
        f"no clear k: at no k from {eligible.index[0]} to {eligible.index[-1]} do customers thin out at the borders between "
        f"segments{also}. {k} segments are used, a useful division and not a discovery: {how}"
    )
    return Choice(k, reason, False)


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
