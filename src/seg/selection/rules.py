"""The panel of rules for the number of segments: what each needs, and what each votes for."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from seg.metrics.gap import gap
from seg.metrics.labeling import matrix
from seg.metrics.stability import Fit, Resampling, bootstrap, prediction_strength
from seg.selection.borders import borders
from seg.selection.density import (
    CERTAIN,
    LIKELY,
    POSSIBLE,
    SURE,
    DensityGroups,
    density_groups,
    spread_evenly,
)
from seg.selection.groups import groups, some

VOTE_COLUMNS = ["rule", "k", "value", "threshold", "source"]
PANEL_COLUMNS = [
    "weakest_border", "gap", "gap_se", "prediction_strength", "stability",
    "mixture_bic", "mixture_groups", "mixture_border",
    "peaks_possible", "peaks_likely", "peaks_sure", "peaks_certain", "agreement", "spike",
]  # fmt: skip
CLEAR = 3.0  # standard errors by which customers thin out at a border
PREDICTED, STABLE = 0.8, 0.9  # prediction strength, mean adjusted Rand index
DENSITY, BORDER, PEAKS = "density's peaks", "borders", "mixture's peaks"
SPIKE = 0.1  # share of customers from which one value of a feature is a spike


@dataclass(frozen=True)
class Measuring:
    """How much of the panel is measured, and how thoroughly.

    Parameters
    ----------
    repeats, splits, references : int
        Bootstrap samples of each k, random halves, uniform data sets.
    complete : bool
        Whether to measure what takes many fits and decides nothing: gap, stability, mixtures.
    decide : bool
        Whether to measure what `seg.selection.choose` decides by: the peaks of the density, prediction strength.
    seed : int
    workers : int, optional
        Threads; one a core if None. The result is the same with any number.
    tick : callable
        Called with each k when its prediction strength is known.
    """

    repeats: int = 20
    splits: int = 6
    references: int = 10
    complete: bool = True
    decide: bool = True
    seed: int = 0
    workers: int | None = None
    tick: Callable[[int], None] = lambda k: None


def panel(
    X: np.ndarray,
    table: pd.DataFrame,
    labelings: Mapping[int, np.ndarray],
    fit: Fit,
    measuring: Measuring = Measuring(),
    dense: DensityGroups | None = None,
) -> pd.DataFrame:
    """Add to the scan over k what the rules need beyond it.

    Parameters
    ----------
    X : array of shape (n, d)
        The space the segmentations were fitted in.
    table : DataFrame
        One row a k, with columns `k`, `inertia`, `silhouette`, `calinski_harabasz`, `davies_bouldin`, `bic` and
        `smallest_segment` (customers); others are kept.
    labelings : mapping of int to array of shape (n,)
        The labels of each k of the table.
    fit : callable
        The clusterer, see `seg.metrics.stability`.
    measuring : Measuring
    dense : DensityGroups, optional
        Of `X`, where it was computed before.

    Returns
    -------
    DataFrame
        The table by ascending k with columns `PANEL_COLUMNS`, and with a row for k = 1 (one segment of all), of
        which only `smallest_segment`, `gap`, `gap_se`, `mixture_...`, `peaks_...` and what the table held are known. `weakest_border` is
        in standard errors, see `seg.selection.borders`. `mixture_bic`, `mixture_groups` and `mixture_border` are of a
        Gaussian mixture of k components, see `seg.selection.groups`. The `peaks_...`, equal in all rows, count the peaks of the density
        that stand out by 2.5, 3, 3.5 and 4 standard errors, see `seg.selection.density`; `agreement` is the adjusted Rand index of the k
        segments with the groups of the density, `spike` that with the customers who share one value of a feature.

    Notes
    -----
    Of more than 2,500 customers a random sample of so many is fitted.

    Warns
    -----
    UserWarning
        A measure cannot be had (noise, too few distinct points): its column is NaN and its rule has no answer.
    """
    X = matrix(X)
    few = some(len(X), measuring.seed)
    ks = sorted({int(k) for k in table["k"]} - {1})
    scan = table.set_index("k").reindex([1, *ks]).rename_axis("k")
    scan.loc[1, "smallest_segment"] = len(X)
    known = {
        "weakest_border": {
            k: weakest for k, (weakest, _) in borders(X, {k: labelings[k] for k in ks}).items()
        }
    }
    if measuring.decide or measuring.complete:
        dense = dense or density_groups(X, measuring.seed)
        known |= _of_density(dense, labelings, ks) | {"spike": _spikes(X, labelings, ks)}
        known["prediction_strength"] = _strengths(spread_evenly(X[few]), fit, ks, measuring)
    if measuring.complete:
        known |= _undecided(X, few, labelings, fit, ks, measuring)
    columns = {
        name: pd.Series(known.get(name, {}), dtype=float).reindex(scan.index) for name in PANEL_COLUMNS
    }
    return scan.assign(**columns).reset_index()


def _of_density(dense: DensityGroups, labelings: Mapping[int, np.ndarray], ks: list[int]) -> dict[str, dict]:
    """Return the number of peaks, the same for every k, and how well segments agree with them."""
    names = {"peaks_possible": POSSIBLE, "peaks_likely": LIKELY, "peaks_sure": SURE, "peaks_certain": CERTAIN}
    counts = {name: dict.fromkeys([1, *ks], float(dense.counts[z])) for name, z in names.items()}
    agreement = {k: adjusted_rand_score(dense.labels, labelings[k][dense.rows]) for k in ks}
    return counts | {"agreement": agreement}


def _spikes(X: np.ndarray, labelings: Mapping[int, np.ndarray], ks: list[int]) -> dict[int, float]:
    """Return for each k the largest adjusted Rand index with the customers who share one value of a feature."""
    shared = []
    for column in X.T:
        values, counts = np.unique(column, return_counts=True)
        if len(values) > 2 and SPIKE * len(X) <= counts.max():
            shared.append(column == values[counts.argmax()])
    return {k: max((adjusted_rand_score(one, labelings[k]) for one in shared), default=0.0) for k in ks}


def _strengths(X: np.ndarray, fit: Fit, ks: list[int], measuring: Measuring) -> dict[int, float]:
    """Return the prediction strength of each k that has one; gaps between whole numbers would predict themselves."""

    def measure() -> dict[int, float]:
        strengths = {}
        for k in ks:
            strengths[k] = prediction_strength(
                X, fit, [k], measuring.splits, measuring.seed, measuring.workers
            )[k][0]
            measuring.tick(k)
        return strengths

    return _tried("prediction strength", measure) or {}


def _undecided(
    X: np.ndarray, few: np.ndarray, labelings: Mapping, fit: Fit, ks: list[int], measuring: Measuring
) -> dict[str, dict]:
    """Measure what decides nothing: mixtures, gap statistic, stability."""
    seed, workers = measuring.seed, measuring.workers
    mixtures = groups(X, [1, *ks], seed, workers)
    gaps = _tried(
        "gap statistic",
        lambda: gap(X[few], fit, ks, measuring.references, seed, workers).table.set_index("k"),
    )
    resampling = Resampling(measuring.repeats, seed, workers)
    rands = _tried(
        "stability",
        lambda: {k: bootstrap(X[few], labelings[k][few], fit, k, resampling).rand for k in ks},
    )
    return {
        "gap": {} if gaps is None else gaps["gap"],
        "gap_se": {} if gaps is None else gaps["se"],
        "stability": rands or {},
        "mixture_bic": {k: mixture.bic for k, mixture in mixtures.items()},
        "mixture_groups": {k: mixture.count for k, mixture in mixtures.items()},
        "mixture_border": {k: mixture.border for k, mixture in mixtures.items()},
    }


def _tried(what: str, measure: Callable):
    try:
        return measure()
    except ValueError as error:
        warnings.warn(f"choosing k: no {what}: {error}", stacklevel=3)
        return None


# Every rule takes the panel by ascending k, indexed by k, and returns its k (NaN: no answer) and the value there.
Answer = tuple[float, float]
UNKNOWN: Answer = (np.nan, np.nan)


def _best(column: str, sign: int) -> Callable[[pd.DataFrame], Answer]:
    def rule(scan: pd.DataFrame) -> Answer:
        values = scan.loc[scan.index > 1, column].dropna()
        if values.empty:
            return UNKNOWN
        k = (sign * values).idxmax()
        return k, values[k]

    return rule


def _largest(column: str, bound: float) -> Callable[[pd.DataFrame], Answer]:
    """Take the largest k at which a column reaches its bound, 1 where none does."""

    def rule(scan: pd.DataFrame) -> Answer:
        values = scan.loc[scan.index > 1, column].dropna()
        if values.empty:
            return UNKNOWN
        reached = values[values >= bound]
        return (reached.index[-1], reached.iloc[-1]) if len(reached) else (1, values.max())

    return rule


def _gap(scan: pd.DataFrame) -> Answer:
    known = scan[["gap", "gap_se"]].dropna()
    gaps, errors = known["gap"].to_numpy(), known["gap_se"].to_numpy()
    enough = np.flatnonzero(gaps[:-1] >= gaps[1:] - errors[1:])
    # A gap that still rises at the largest k has not decided.
    return (known.index[enough[0]], gaps[enough[0]]) if len(enough) else UNKNOWN


def _knee(scan: pd.DataFrame) -> Answer:
    inertia = scan.loc[scan.index > 1, "inertia"].dropna()
    if len(inertia) < 3 or inertia.iloc[0] <= inertia.iloc[-1]:
        return UNKNOWN
    ks = inertia.index.to_numpy(dtype=float)
    across = (ks - ks[0]) / (ks[-1] - ks[0])
    down = (inertia - inertia.iloc[-1]) / (inertia.iloc[0] - inertia.iloc[-1])
    below = 1 - across - down
    return (below.idxmax(), below.max()) if below.max() > 0 else UNKNOWN


def _bic(scan: pd.DataFrame) -> Answer:
    # Of the model itself where it is a mixture.
    values = scan["bic"] if scan["bic"].notna().any() else scan["mixture_bic"]
    if values.isna().all():
        return UNKNOWN
    # NaN is a mixture with a collapsed component, which makes the others no comparison; at the end it still falls.
    if values[values.index > 1].isna().any() or values.idxmin() == values.index[-1]:
        return UNKNOWN
    return values.idxmin(), values.min()


def best_mixture(scan: pd.DataFrame) -> pd.Series | None:
    """Return the row (by ascending k, indexed by k) of the mixture with the smallest BIC, None where there is none."""
    values = scan["mixture_bic"].dropna()
    return None if values.empty else scan.loc[values.idxmin()]


def _peaks(scan: pd.DataFrame) -> Answer:
    best = best_mixture(scan)
    return UNKNOWN if best is None else (best["mixture_groups"], best["mixture_border"])


def _density(scan: pd.DataFrame) -> Answer:
    counts = scan["peaks_likely"].dropna()
    return UNKNOWN if counts.empty else (counts.iloc[0], LIKELY)


@dataclass(frozen=True)
class Rule:
    """A rule of the panel: its function, its threshold in words, its source."""

    answer: Callable[[pd.DataFrame], Answer]
    threshold: str
    source: str


RULES = {
    DENSITY: Rule(
        _density,
        f"peaks of the density that stand out by {LIKELY:g} standard errors",
        "Chazal, Guibas, Oudot & Skraba 2013, doi 10.1145/2535927",
    ),
    PEAKS: Rule(
        _peaks,
        "peaks of the density of the mixture with the smallest BIC",
        "Li, Ray & Lindsay 2007, JMLR 8, and Hennig 2010, doi 10.1007/s11634-010-0058-3",
    ),
    BORDER: Rule(
        _largest("weakest_border", CLEAR),
        f"largest k with every border at least {CLEAR:g} standard errors deep",
        "after Hartigan & Hartigan 1985, doi 10.1214/aos/1176346577, and Kalogeratos & Likas 2012 (dip-means)",
    ),
    "silhouette": Rule(_best("silhouette", 1), "largest", "Rousseeuw 1987, doi 10.1016/0377-0427(87)90125-7"),
    "Calinski-Harabasz": Rule(
        _best("calinski_harabasz", 1), "largest", "Calinski & Harabasz 1974, doi 10.1080/03610927408827101"
    ),
    "Davies-Bouldin": Rule(
        _best("davies_bouldin", -1), "smallest", "Davies & Bouldin 1979, doi 10.1109/TPAMI.1979.4766909"
    ),
    "gap statistic": Rule(
        _gap,
        "smallest k within 1 standard error of the next",
        "Tibshirani, Walther & Hastie 2001, doi 10.1111/1467-9868.00293",
    ),
    "prediction strength": Rule(
        _largest("prediction_strength", PREDICTED),
        f"largest k with at least {PREDICTED:g}",
        "Tibshirani & Walther 2005, doi 10.1198/106186005X59243",
    ),
    "stability": Rule(
        _largest("stability", STABLE),
        f"largest k with a mean adjusted Rand index of at least {STABLE:g}",
        "Hubert & Arabie 1985, doi 10.1007/BF01908075, over bootstrap samples",
    ),
    "knee of inertia": Rule(
        _knee,
        "farthest below the line from first to last",
        "Satopää et al. 2011 (Kneedle), doi 10.1109/ICDCSW.2011.20",
    ),
    "BIC": Rule(
        _bic, "smallest, of mixtures without collapsed components", "Schwarz 1978, doi 10.1214/aos/1176344136"
    ),
}


def votes(table: pd.DataFrame) -> pd.DataFrame:
    """Ask every rule for the number of segments.

    Parameters
    ----------
    table : DataFrame
        From `panel`.

    Returns
    -------
    DataFrame
        One row a rule, columns `VOTE_COLUMNS`: `k` is NaN where a rule has no answer and 1 where it sees no
        structure; `value` is the measure at that k (the best there was, for a threshold that no k reaches).
    """
    scan = table.set_index("k").sort_index()
    rows = []
    for name, rule in RULES.items():
        k, value = rule.answer(scan)
        rows.append((name, float(k), float(value), rule.threshold, rule.source))
    return pd.DataFrame(rows, columns=VOTE_COLUMNS)
