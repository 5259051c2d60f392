"""A verdict per criterion that anyone can read: the number, the threshold, and where the threshold comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seg.metrics.guards import LARGEST_SHARE, least_size
from seg.metrics.null_result import KINDS, LEVEL, NEEDED, PEAKS_LEVEL, NullTest, passed, sentence

if TYPE_CHECKING:  # scikit-learn, which a comparison need not wait for
    from seg.metrics.prediction import HoldoutScores
    from seg.metrics.stability import Stability

WEAK = 0.25
STABLE = 0.75
DISCRIMINATES = 0.6
RULES = "rule RFM"
ROUSSEEUW = "Kaufman & Rousseeuw 1990, Finding Groups in Data, ch. 2: up to 0.25 no substantial structure"
HENNIG = "Hennig 2007, Cluster-wise assessment of cluster stability, CSDA 52: 0.75 valid, 0.6 a pattern"

MEANINGS = {
    "stability/jaccard_min": "lowest mean Jaccard of a segment with its like in bootstrap samples; above 0.75 valid",
    "stability/jaccard_mean": "mean of the segments' bootstrap Jaccards",
    "stability/adjusted_rand": "mean adjusted Rand index with segmentations of bootstrap samples",
    "stability/adjusted_rand_se": "standard error of stability/adjusted_rand",
    "stability/seed_agreement": "mean adjusted Rand index between refits that differ in the seed only",
    "stability/prediction_strength": "lowest share of pairs of a segment that the other half of the data keeps together; 0.8 is strong",
    "null/draws": f"null data sets of each kind; a verdict needs at least {NEEDED}",
    **{
        f"null/{kind}_{name}": meaning.format(words=words)
        for kind, words in KINDS.items()
        if kind != "shuffled"
        for name, meaning in {
            "mean": "mean silhouette of the same pipeline on null data ({words}), in the space the model clusters in",
            "z": "silhouette minus the mean on null data ({words}), in standard deviations",
            "p": "share of null data sets ({words}) with a silhouette at least as high",
        }.items()
    },
    "null/shuffled_mean": "mean share of the variance of log spend that tiers explain which were learned from purchases dealt out at random",
    "null/shuffled_z": "share that the tiers explain minus that mean, in standard deviations; learned from one half of the customers, judged on the other",
    "null/shuffled_p": "share of the random deals whose tiers explain at least as much",
    "holdout/customers": "customers known before the cut",
    "holdout/bought": "share of them who bought after it",
    "holdout/eta_squared": "share of the variance of log spend after the cut that lies between segments",
    "holdout/auc": "how well segments alone tell who buys after the cut, cross-fitted; 0.5 is chance",
    "holdout/auc_random": "the same for random segments of the same sizes",
    "holdout/auc_rule_rfm": "the same for rule-based RFM segments",
    "holdout/auc_best_feature": "the same for deciles of the best single feature",
    "holdout/r_squared": "share of log spend after the cut that segments explain, cross-fitted",
    "holdout/r_squared_random": "the same for random segments of the same sizes",
    "holdout/r_squared_rule_rfm": "the same for rule-based RFM segments",
    "holdout/r_squared_best_feature": "the same for deciles of the best single feature",
    "holdout/deviance_explained": "mean of the shares of the binomial deviance of buying and of the variance of log spend that segments explain, cross-fitted",
    "holdout/deviance_explained_se": "standard error of holdout/deviance_explained, by a bootstrap of customers",
    "holdout/over_rule_rfm": "holdout/deviance_explained minus that of rule-based RFM segments",
    "holdout/over_rule_rfm_low": "lower end of the 95 % interval of holdout/over_rule_rfm, by a paired bootstrap of customers",
    "holdout/over_rule_rfm_high": "upper end of the 95 % interval of holdout/over_rule_rfm",
    "holdout/cuts": "cuts of the hold-out; every other figure without mean or sd is of the newest",
    **{
        f"holdout/{name}_{what}": f"{words} of holdout/{name} over all cuts"
        for name in ("auc", "r_squared", "deviance_explained", "over_rule_rfm")
        for what, words in (("mean", "mean"), ("sd", "standard deviation"))
    },
    "holdout/own_silhouette": "mean silhouette, Euclidean, scaled features, of the customers before the cut only",
}


@dataclass(frozen=True)
class Verdict:
    """One line of the evidence.

    Parameters
    ----------
    criterion : str
    passed : bool or None
        None where it was not measured.
    number, threshold, source : str
    """

    criterion: str
    passed: bool | None
    number: str
    threshold: str
    source: str


@dataclass(frozen=True)
class Sizes:
    """How customers are shared out among the segments.

    Parameters
    ----------
    smallest : int
        Customers of the smallest segment.
    largest_share : float
        Share of all customers in the largest segment, 0 to 1.
    customers : int
        All customers.
    """

    smallest: int
    largest_share: float
    customers: int


@dataclass(frozen=True)
class Foretold:
    """What a hold-out has shown.

    Parameters
    ----------
    scores : HoldoutScores or None
        Of the newest cut; None where there is no hold-out.
    reason : str or None
        Why no hold-out is possible.
    over_cuts : str
        The spread over several cuts, in words; empty with one.
    """

    scores: HoldoutScores | None = None
    reason: str | None = None
    over_cuts: str = ""


def verdicts(
    silhouette: float,
    sizes: Sizes,
    stability: Stability | None,
    null: Mapping[str, NullTest] | None,
    foretold: Foretold,
) -> list[Verdict]:
    """Judge a segmentation by five criteria.

    Parameters
    ----------
    silhouette : float
        Mean, Euclidean, in the scaled features; never of an embedding, which shows islands in noise too.
    sizes : Sizes
    stability : Stability or None
        None where it was not measured.
    null : mapping of str to NullTest, optional
        The test against each kind of null data.
    foretold : Foretold

    Returns
    -------
    list of Verdict
        Identifiable, substantial, stable, better than noise, predictive; in this order.
    """
    return [
        _identifiable(silhouette),
        _substantial(sizes),
        _stable(stability),
        _better_than_noise(null),
        _predictive(foretold),
    ]


def _identifiable(silhouette: float) -> Verdict:
    number = f"mean silhouette {silhouette:.2f} (Euclidean, scaled features)"
    return Verdict("identifiable", bool(silhouette > WEAK), number, f"above {WEAK}", ROUSSEEUW)


def _substantial(sizes: Sizes) -> Verdict:
    least = least_size(sizes.customers)
    passed = sizes.smallest >= least and sizes.largest_share <= LARGEST_SHARE
    number = f"smallest segment {sizes.smallest:,} customers, largest {sizes.largest_share:.0%} of all"
    threshold = f"at least {least:,} customers, at most {LARGEST_SHARE:.0%}"
    return Verdict(
        "substantial",
        passed,
        number,
        threshold,
        "Kotler & Keller, Marketing Management; the numbers are seg's",
    )


def _stable(stability: Stability | None) -> Verdict:
    threshold = f"every segment at least {STABLE}"
    if stability is None:
        return Verdict("stable", None, "not measured: evaluation.stability=true", threshold, HENNIG)
    worst = min(stability.jaccard.values())
    number = f"lowest bootstrap Jaccard {worst:.2f}; {stability.scope}"
    return Verdict("stable", bool(worst >= STABLE), number, threshold, HENNIG)


def _better_than_noise(null: Mapping[str, NullTest] | None) -> Verdict:
    threshold = (
        f"p at most {LEVEL} on every kind of null data that applies; against one cloud also features with two peaks by themselves "
        f"(p at most {PEAKS_LEVEL:g}) and a score above the median"
    )
    source = "Monte Carlo test, Davison & Hinkley 1997, ch. 4; null data with one peak after Liu et al. 2008 (SigClust)"
    if null is None:
        return Verdict("better than noise", None, "not measured: pass evaluation.null=20", threshold, source)
    means = ", ".join(f"{test.mean:.3f} on {kind} data" for kind, test in null.items())
    observed = next(iter(null.values())).observed
    if "shuffled" in null:
        number = f"{sentence(null)}; {observed:.3f} of the variance of log spend explained, {means}"
        return Verdict("better than noise", passed(null), number, threshold, source)
    number = f"{sentence(null)}; silhouette {observed:.3f} in the space the model clusters in, {means}"
    return Verdict("better than noise", passed(null), number, threshold, source)


def _predictive(foretold: Foretold) -> Verdict:
    holdout = foretold.scores
    threshold = (
        f"not worse than rule RFM (95 % interval of a paired bootstrap of customers), AUC at least {DISCRIMINATES}, "
        "and above every one of the random segmentations"
    )
    source = "temporal hold-out, cross-fitted; Hosmer & Lemeshow 2000, ch. 5: 0.5 no discrimination, from 0.7 acceptable"
    if holdout is None:
        reason = foretold.reason or "not measured: pass evaluation.holdout.cut=<day>"
        return Verdict("predictive", None, reason, threshold, source)
    against = holdout.added.against.set_index("name")
    word, rules = holdout.added.verdict(RULES), against.loc[RULES]
    singles = against[against.index.str.startswith("deciles")]["explained"]
    best = singles.idxmax()
    number = (
        f"{word} rule RFM: {holdout.added.explained:.3f} of the deviance of buying and spending explained, {rules['explained']:.3f} by rule RFM "
        f"(difference {rules['difference']:+.3f}, {rules['low']:+.3f} to {rules['high']:+.3f}), {singles[best]:.3f} by {best}, "
        f"{holdout.added.ceiling:.3f} by a regression on the same features; AUC {holdout.auc:.2f} of buying after the cut"
        f"{foretold.over_cuts}"
    )
    discriminates = holdout.auc >= DISCRIMINATES and holdout.auc > holdout.random["auc"].max()
    return Verdict("predictive", bool(discriminates and word != "worse than"), number, threshold, source)
