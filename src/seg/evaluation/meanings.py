"""What each metric of a run says: its space, its distance, the size of what it was measured on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from seg.metrics.silhouette import SilhouetteResult

OWN = "own space: the scaled features"
# What rules for k look at, of the chosen k; see `seg.selection.rules`.
OF_THE_PANEL = {
    "weakest_border": f"how clearly customers thin out between the two nearest segments, in standard errors, {OWN}; clear from 3",
    "gap": f"gap statistic: log of the inertia of evenly spread customers minus that of these, {OWN}; higher is better",
    "gap_se": "standard error of own/gap",
    "prediction_strength": f"lowest share of pairs of a segment that the other half of the customers keeps together, {OWN}; 0.8 is strong",
    "stability": f"mean adjusted Rand index with segmentations of bootstrap samples, {OWN}; 1 is the same each time",
    "mixture_bic": f"Bayesian information criterion of a Gaussian mixture of k components, {OWN}; lower is better",
    "mixture_groups": f"groups with a density peak of their own among the k components of a mixture, {OWN}",
    "mixture_border": f"how clearly customers thin out between the groups of that mixture, in standard errors, {OWN}",
    "peaks_possible": f"peaks of the density of the customers that stand out by 2.5 standard errors, {OWN}",
    "peaks_likely": f"peaks of the density of the customers that stand out by 3 standard errors, {OWN}",
    "peaks_sure": f"peaks of the density of the customers that stand out by 3.5 standard errors, {OWN}",
    "peaks_certain": f"peaks of the density of the customers that stand out by 4 standard errors, {OWN}",
    "agreement": f"adjusted Rand index of the segments with the groups of the density, {OWN}; 1 is the same",
    "spike": f"adjusted Rand index of the segments with the customers who share one value of a feature, {OWN}",
}


def of(
    metrics: Iterable[str], own: SilhouetteResult, shared: SilhouetteResult, common: Sequence[str]
) -> dict[str, str]:
    """Return the meaning of each metric, a line each.

    Parameters
    ----------
    metrics : iterable of str
        Names, such as ``own/silhouette``.
    own, shared : SilhouetteResult
        Silhouettes of the chosen segmentation in the own and the common space.
    common : sequence of str
        Features of the common space.
    """
    neutral = f"common space: rank-normal {', '.join(common)}"
    known = {
        "own/inertia": f"sum of squared distances to the segment's mean, {OWN}",
        "own/silhouette": f"mean silhouette, Euclidean, {OWN}; {_measured(own)}",
        "own/silhouette_se": "standard error of own/silhouette; 0 when exact",
        "own/silhouette_n": "customers whose silhouette was measured",
        "own/silhouette_sq": f"mean silhouette of squared Euclidean distances (as Spark's), exact, {OWN}; not comparable with the Euclidean",
        "own/calinski_harabasz": f"variance between segments over variance within, {OWN}; higher is better",
        "own/davies_bouldin": f"likeness of each segment to its nearest other, {OWN}; lower is better",
        "own/bic": "Bayesian information criterion of a mixture; lower is better",
        "own/aic": "Akaike information criterion of a mixture; lower is better",
        "own/icl": "integrated completed likelihood of a mixture: own/bic, and a penalty for components that overlap; lower is better",
        "common/silhouette": f"mean silhouette, Euclidean, {neutral}, the same for every run on this data; {_measured(shared)}",
        "common/silhouette_se": "standard error of common/silhouette; 0 when exact",
        "common/silhouette_sq": f"mean silhouette of squared Euclidean distances, exact, {neutral}",
        **{f"own/{name}": text for name, text in OF_THE_PANEL.items()},
        "segments/count": "number of segments, noise not counted",
        "segments/smallest_segment": "customers in the smallest segment",
        "segments/largest_share": "share of all customers in the largest segment",
        "segments/noise_share": "share of all customers in no segment",
        "segments/predict_agreement": "share of the customers whom the rule for new customers gives the segment they have",
        "data/rows": "rows read",
        "data/rows_kept": "rows left after cleaning",
        "data/bad_rows": "rows that could not be read and were left out",
        "data/customers": "customers segmented",
        "truth/adjusted_rand": "adjusted Rand index with the true segments; 1 is perfect, 0 is chance",
    }
    known |= {
        "own/silhouette_macro": f"mean of the segments' silhouettes, each segment counting once, Euclidean, {OWN}",
        "common/silhouette_macro": f"mean of the segments' silhouettes, each segment counting once, Euclidean, {neutral}",
    }
    return {name: _meaning(name, known) for name in metrics}


def _meaning(name: str, meanings: Mapping[str, str]) -> str:
    if name in meanings:
        return meanings[name]
    space, _, rest = name.partition("/")
    if space == "embedding":
        return f"{rest.replace('_', ' ')} in the embedding, the space the model clusters in: noise shows islands there too, so it is not comparable"
    if space == "explained":
        return f"share of the variance of {rest} that lies between segments (eta squared)"
    raise KeyError(f"metric {name!r} has no meaning; add it to seg.evaluation.meanings")


def _measured(result: SilhouetteResult) -> str:
    if not result.se > 0:
        return f"exact on {result.n:,} customers"
    return f"estimated on {result.n:,} customers, standard error {result.se:.4f}"
