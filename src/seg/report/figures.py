"""The figures of a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import PCA

from seg.pipeline import keys
from seg.pipeline.cache import NONE, Cache
from seg.pipeline.result import Result
from seg.report import drawing, plots
from seg.segments import worth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OF_EVIDENCE = ("silhouette_blades", "votes")  # the others are on the page as charts


def figures(result: Result, locale: str = "en", cache: Cache = NONE) -> dict[str, tuple[str, bytes]]:
    """Draw the figures of a run, or take them from the cache.

    Parameters
    ----------
    result : Result
    locale : str
        How their numbers are written.
    cache : Cache

    Returns
    -------
    dict of str to (str, bytes)
        Caption and PNG by file stem, in the order of the report.
    """
    drawable = drawings(result)
    makers = {name: make for name, (_, make) in drawable.items()}
    key = keys.figures_key(makers, locale)
    pngs = cache.get("figures", key, partial(drawing.drawn, makers, locale))
    return {name: (drawable[name][0], pngs[name]) for name in drawable}


def drawings(result: Result) -> dict[str, tuple[str, Callable[[], Figure]]]:
    """Return the figures of a run before they are drawn: caption and a function that draws, by file stem."""
    labels, segments = result.labels, result.segments
    named = dict(zip(segments["segment"], segments["name"], strict=True))
    k_scan = result.scan.table
    points, explained = plane(result.X)
    shown = [*result.table.features, *result.table.profile][:40]
    sampled = f" ({result.population.sampled})" if result.population.sampled else ""
    figures: dict[str, tuple[str, Callable[[], Figure]]] = {
        "map": (
            f"Customers in the two main directions of the scaled features{sampled}",
            partial(plots.draw, "map_2d", points, labels, named, explained),
        ),
        "profile": (
            "Segment means, coloured by index to the average customer",
            partial(plots.draw, "profile_heatmap", segments, shown),
        ),
        "sizes": (
            f"Share of customers and of {worth.words(segments)}",
            partial(plots.draw, "sizes", segments),
        ),
    }
    figures |= _embedding(result, named)
    figures |= _blades(result, named, sampled)
    figures["elbow"] = ("Inertia over k", partial(plots.draw, "elbow", k_scan, result.k))
    figures["silhouette"] = (
        "Mean silhouette over k",
        partial(plots.draw, "silhouette_over_k", k_scan, result.k),
    )
    if result.votes is not None:
        figures["votes"] = (
            "Votes of the rules for the number of segments",
            partial(plots.draw, "votes", result.votes, result.k, k_scan["k"]),
        )
    return figures


def _blades(
    result: Result, named: dict[int, str], sampled: str
) -> dict[str, tuple[str, Callable[[], Figure]]]:
    """Return the silhouettes of all customers, where there are any."""
    silhouette, segments = result.scan.silhouettes[result.k], result.segments
    if not silhouette.n:
        return {}
    sizes = dict(zip(segments["segment"], segments["size"], strict=True))
    overall = plots.Overall(silhouette.value, sizes, silhouette.per_cluster)
    shown = (silhouette.samples, result.labels[silhouette.index], named, overall)
    caption = f"Silhouette of each customer, segment by segment{sampled}"
    return {"silhouette_blades": (caption, partial(plots.draw, "silhouette_blades", *shown))}


def _embedding(result: Result, named: dict[int, str]) -> dict[str, tuple[str, Callable[[], Figure]]]:
    """Return the map of the embedding, where the model has one."""
    embedded = embedding(result)
    if embedded is None:
        return {}
    caption = "Customers in the embedding that the model clusters in, where islands appear in random data too"
    return {"map_embedding": (caption, partial(plots.draw, "map_2d", embedded, result.labels, named, None))}


def embedding(result: Result) -> np.ndarray | None:
    """Return customers (n, 2) in the embedding that the model clusters in, by its main directions; None without one."""
    if "embed" not in result.pipeline.named_steps:
        return None
    return result.embedded if result.embedded.shape[1] == 2 else plane(result.embedded)[0]


def plane(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return customers in the plane of the first two principal components, and the share of variance of each."""
    if X.shape[1] == 1:
        return np.column_stack([X, np.zeros(len(X))]), np.array([1.0, 0.0])
    pca = PCA(2, random_state=0).fit(X)
    return pca.transform(X), pca.explained_variance_ratio_
