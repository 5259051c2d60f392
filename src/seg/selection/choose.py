"""Choose the number of segments: a panel of rules, their votes, and one stated decision.

The decision. The density of the customers has peaks (`seg.selection.density`). If their number is the same at 3 and 3.5 standard errors and
the segments follow the groups, it is settled. Otherwise the k with the smallest BIC of a mixture is the number of groups, if ICL, which asks for
components that lie apart, is smallest at the same k; or else, among the numbers of peaks that stand out by 2.5 to 3 standard errors, the one with
the largest silhouette.

Where the segments of a larger k predict each other across random halves (prediction strength 0.8; against a settled count 0.9, or 0.8 for the
k with the smallest BIC), that k is taken instead: in many features a density shows too few of its peaks. A smaller k of a mixture that predicts
replaces peaks that are not settled and predict worse than 0.6: along rings and lines a density has peaks by chance. Without any of these, the
smallest BIC decides, and without a mixture the largest silhouette.

The answer is *clear* only if the count is the same at 3 and 3.5 standard errors, is the chosen k, and lies inside the range that was
tried; if the segments agree with the groups of the density (adjusted Rand index 0.8) and predict each other (0.7); and if there are at
least 200 customers. Otherwise the reason says which of these does not hold, and k is a useful division, not a discovery.

The other rules of the panel have no say. They are there to be seen. `bench/choose_k.py` prints how often each of them is right.
"""

from dataclasses import dataclass

import pandas as pd

from seg.errors import SegError
from seg.selection.rules import (
    PANEL_COLUMNS,
    PREDICTED,
    RULES,
    VOTE_COLUMNS,
    Measuring,
    panel,
    votes,
)

__all__ = ["PANEL_COLUMNS", "RULES", "VOTE_COLUMNS", "Choice", "Measuring", "choose", "panel", "votes"]

SMALL_SHARE = 0.01  # a segment below one customer in a hundred is too small to act on
FEW = 200  # customers; with fewer, a group of a third of them can go unseen
STRONG = 0.9  # prediction strength from which a larger k overrules a settled number of peaks
WEAK = 0.6  # of a mixture: prediction strength below which peaks that are not settled give way to a k that predicts
AGREED = 0.8  # adjusted Rand index of the segments with the groups of the density
PREDICTS = 0.7  # prediction strength of a clear k
SPIKED = 0.8  # adjusted Rand index from which two segments are one value of a feature and the rest


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
    """Choose k by the decision of this module.

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
    A k with a segment below 1 % of the customers is left aside as long as there is another.
    """
    scan = table.set_index("k").sort_index()
    eligible = _eligible(scan)
    k, why = _decide(eligible, int(scan.index.max()))
    doubt = _doubt(scan, eligible, k)
    if doubt:
        return Choice(
            k,
            f"no clear k: {doubt}. {k} segments are used, a useful division and not a discovery: {why}",
            False,
        )
    answers = votes["k"].dropna()
    row = eligible.loc[k]
    reason = (
        f"{(answers == k).sum()} of {len(answers)} rules vote for {k} segments: the density of the customers has {k} peaks that stand out by "
        f"3.5 standard errors; the segments agree with them to {row['agreement']:.2f} (adjusted Rand index) and predict each other "
        f"across halves of the customers to {row['prediction_strength']:.2f}"
    )
    return Choice(k, reason, True)


def _decide(eligible: pd.DataFrame, most: int) -> tuple[int, str]:
    """Return the number of segments and the ground for it."""
    settled, likeliest = _settled(eligible), _likeliest(eligible, most)
    strengths = eligible["prediction_strength"]
    predicted = _predicted(strengths, STRONG if settled else PREDICTED)
    if settled and likeliest and strengths[likeliest] >= PREDICTED:
        predicted = max(predicted, likeliest)
    dense, why = _grouped(eligible, settled, likeliest, predicted)
    if dense > 1 and dense >= predicted:
        return dense, why
    if predicted > 1:
        return (
            predicted,
            f"the largest k whose segments predict each other across halves of the customers ({strengths[predicted]:.2f}, "
            f"threshold {STRONG if settled and predicted != likeliest else PREDICTED:g})",
        )
    if likeliest:
        return likeliest, "smallest BIC"
    silhouettes = eligible["silhouette"].dropna()
    if silhouettes.empty:
        return int(eligible["calinski_harabasz"].idxmax()), "largest Calinski-Harabasz index"
    return int(silhouettes.idxmax()), "largest silhouette"


def _grouped(eligible: pd.DataFrame, settled: bool, likeliest: int | None, predicted: int) -> tuple[int, str]:
    """Return the number of groups that the density or a mixture has, and the ground for it; 1 where they have no say."""
    likely, possible = (_peaks(eligible, name) for name in ("peaks_likely", "peaks_possible"))
    if settled:
        return likely, f"the density has {likely} peaks, and the segments follow them"
    if likeliest and likeliest == _smallest(eligible, "icl"):
        return likeliest, "smallest BIC, and smallest ICL"
    ks = [k for k in eligible.index if max(likely, 2) <= k <= max(possible, likely)]
    silhouettes = eligible.loc[ks, "silhouette"].dropna()
    if likely < 2 or silhouettes.empty:
        return 1, ""
    dense = int(silhouettes.idxmax())
    mixture = eligible["bic"].notna().any()
    if mixture and predicted > 1 and eligible.loc[dense, "prediction_strength"] < WEAK:
        return 1, ""
    return (
        dense,
        f"the density has {likely} to {max(likely, possible)} peaks, and of these {dense} has the largest silhouette",
    )


def _predicted(strengths: pd.Series, bound: float) -> int:
    """Return the largest k with a prediction strength of at least a bound, 1 where there is none."""
    strong = strengths.index[strengths >= bound]
    return int(strong.max()) if len(strong) else 1


def _smallest(eligible: pd.DataFrame, criterion: str) -> int | None:
    values = eligible[criterion].dropna() if criterion in eligible else pd.Series(dtype=float)
    return None if values.empty else int(values.idxmin())


def _likeliest(eligible: pd.DataFrame, most: int) -> int | None:
    """Return the k with the smallest BIC of a mixture, None where it is not known to rise from there."""
    k = _smallest(eligible, "bic")
    return k if k and k < most and pd.notna(eligible["bic"].get(k + 1)) else None


def _settled(eligible: pd.DataFrame) -> bool:
    """Return whether the number of peaks is the same at two levels, and segments of that number follow the groups."""
    likely, sure, certain = (
        _peaks(eligible, name) for name in ("peaks_likely", "peaks_sure", "peaks_certain")
    )
    return (
        1 < likely == sure
        and certain > 1
        and likely in eligible.index
        and bool(eligible.loc[likely, "agreement"] >= AGREED)
    )


def _doubt(scan: pd.DataFrame, eligible: pd.DataFrame, k: int) -> str | None:
    """Return why a k is not clear, None where it is."""
    n, row = int(scan.loc[1, "smallest_segment"]), eligible.loc[k]
    likely, sure, certain = (_peaks(scan, name) for name in ("peaks_likely", "peaks_sure", "peaks_certain"))
    if likely == 0:
        return "the peaks of the density were not measured"
    if n < FEW:
        return (
            f"too few customers to tell ({n:,}, fewer than {FEW}): a group of a third of them can go unseen"
        )
    if sure == 1 or certain == 1:
        return f"the customers may be one group, their density has {_one_or(likely)}"
    if likely in scan.index and likely > 1 and scan.loc[likely, "agreement"] < AGREED:
        other = "model=hdbscan" if scan["bic"].notna().any() else "model=hdbscan or model=gmm"
        return (
            f"customers form {likely} groups whose borders these segments do not follow (adjusted Rand index "
            f"{scan.loc[likely, 'agreement']:.2f}, threshold {AGREED:g}): groups that are not round, or that differ much in size; try {other}"
        )
    if k == scan.index.max() and likely >= k:
        return f"it would be the largest k that was tried ({k}); raise selection.k_max"
    if likely not in scan.index:
        return f"customers form {likely} groups, and so many segments were not tried; raise selection.k_max"
    if likely not in eligible.index:
        return f"customers form {likely} groups, but {likely} segments have one below {SMALL_SHARE:.0%} of the customers"
    if row["spike"] >= SPIKED:
        return "the segments are the customers who share one value of a single feature and the rest: a rule, not a group"
    if not likely == sure == k:
        return f"the evidence does not agree: the density has {sure} to {likely} peaks, the division used has {k} segments"
    if not row["prediction_strength"] >= PREDICTS:
        return (
            f"customers form {likely} groups, but the segments hardly predict each other across halves of the customers "
            f"({row['prediction_strength']:.2f}, threshold {PREDICTS:g})"
        )
    return None


def _one_or(peaks: int) -> str:
    return "one peak" if peaks == 1 else f"{peaks} peaks that stand out too little to be sure"


def _peaks(table: pd.DataFrame, name: str) -> int:
    """Return a number of peaks, 0 where it was not measured."""
    values = table[name].dropna()
    return int(values.iloc[0]) if len(values) else 0


def _eligible(scan: pd.DataFrame) -> pd.DataFrame:
    n, scan = scan.loc[1, "smallest_segment"], scan[(scan.index > 1) & scan["calinski_harabasz"].notna()]
    if scan.empty:
        raise SegError(
            "k=auto: no k of selection.k_range gives two segments or more; set k, or choose another model"
        )
    eligible = scan[scan["smallest_segment"] >= SMALL_SHARE * n]
    return eligible if len(eligible) else scan
