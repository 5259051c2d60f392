"""What a run takes from the cache, and what each of it follows from: features, embedding, scan over k, panel of rules.

A key holds everything that can change the result: the content of the files, the settings of every step before, the
estimators with all their parameters, the code of the modules that compute it. It does not hold what cannot: where the
files lie, how many threads there are, or which k of the scan is the chosen one.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd

from seg import progress
from seg.config.parts import Parts
from seg.config.settings import Settings
from seg.evaluation import evidence
from seg.features import FeatureTable
from seg.metrics import common_space, separation
from seg.metrics.silhouette import SilhouetteResult
from seg.models import space
from seg.pipeline.cache import Cache, code, definition
from seg.pipeline.keys import PLACES
from seg.preparation import prepare
from seg.preparation.prepare import Prepared
from seg.selection import choose
from seg.selection import scan as selection
from seg.selection.scan import Scan
from seg.sources.locate import Source

READING = ("cleaning", "datasets", "engine", "features", "preparation", "sources")
FITTING = (*READING, "metrics", "models", "selection")


class Reuse:
    """Steps of one run that are taken from the cache where they were done before.

    Parameters
    ----------
    cache : Cache
    settings : Settings
    parts : Parts
    fingerprint : str
        Of the content of the data.
    """

    def __init__(self, cache: Cache, settings: Settings, parts: Parts, fingerprint: str):
        self._cache, self._settings, self._parts = cache, settings, parts
        self._features = features_key(settings, fingerprint)
        self._space = {"features": self._features, "scaler": _estimator(parts.scaler), "code": code(FITTING)}
        if parts.embed is not None:
            self._space["embed"] = _estimator(parts.embed)

    def prepared(self, source: Source, notices: list) -> Prepared:
        """Read, clean and count features, see `preparing.prepare`."""

        def make() -> tuple[Prepared, list]:
            said: list = []
            return prepare.prepare(self._settings, self._parts, source, said), said

        prepared, said = self._cache.get("features", self._features, make)
        notices += said
        return prepared

    def embedded(self, table: FeatureTable, X: np.ndarray) -> tuple[object | None, np.ndarray]:
        """Fit the embedding of the model; return it fitted, and where each customer lies in it."""
        if self._parts.embed is None:
            return None, X

        def make() -> tuple[object, np.ndarray]:
            with progress.step("embed") as found:
                seen = space.embed(self._parts.embed, table.features, X)
                found(f"{X.shape[1]} scaled features -> {seen.shape[1]} dimensions")
            return self._parts.embed, seen

        return self._cache.get("embedding", self._space, make)

    def scanned(self, seen: np.ndarray, ks: Sequence[int], worth: np.ndarray | None) -> Scan:
        """Fit and measure every k; one outside `selection.k_range` by itself, so that the others are found again."""
        if not self._parts.takes_k:
            return self._scan(seen, ks, worth)
        usual = [k for k in ks if k in self._settings.selection.k_range]
        others = [k for k in ks if k not in usual]
        scans = [self._scan(seen, few, worth) for few in ([usual] if usual else []) + [[k] for k in others]]
        return scans[0] if len(scans) == 1 else selection.together(scans)

    def _scan(self, seen: np.ndarray, ks: Sequence[int], worth: np.ndarray | None) -> Scan:
        settings, parts = self._settings, self._parts

        def make() -> Scan:
            sample = settings.evaluation.silhouette_sample
            with progress.step("scan over k") as found, progress.bar(len(ks)) as tick:
                scan = selection.scan(
                    seen, parts.make_clusterer, ks, not parts.takes_k, worth, sample, settings.seed, tick
                )
                found(f"k = {', '.join(str(k) for k in scan.table['k'])}")
            return scan

        return self._cache.get("scan", self._scan_key(ks), make)

    def panel(self, seen: np.ndarray, scan: Scan, whole: bool, notices: list) -> pd.DataFrame:
        """Ask the panel of rules, whole or the cheap ones, about every k of a scan."""
        labelings = {k: segmenter.labels_ for k, segmenter in scan.fitted.items()}
        # The panel looks where the clusterer looks; an embedding is not fitted anew for each of its samples.
        fit = evidence.fitter(replace(self._parts, embed=None), [])
        seed = self._settings.seed

        def make() -> tuple[pd.DataFrame, list[str]]:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                table = choose.panel(seen, scan.table, labelings, fit, seed=seed, whole=whole)
            said = [str(warning.message) for warning in caught]
            return table, [text for text in said if text.startswith("choosing k")]

        asked = {"whole": whole, "choosing": code(("selection", "evaluation"))}
        table, said = self._cache.get("panel", self._scan_key(sorted(scan.fitted)) | asked, make)
        notices += [("info", text) for text in said]
        return table

    def shared(self, table: FeatureTable, scan: Scan, k: int) -> SilhouetteResult:
        """Measure the chosen segmentation in the common space.

        Exact silhouettes of every k take hardly longer than those of one, so all are measured, and kept for the next k.
        """
        names, sample = self._settings.dataset.common, self._settings.evaluation.silhouette_sample
        every = len(table.frame) <= sample
        labelings = {one: fitted.labels_ for one, fitted in scan.fitted.items() if every or one == k}

        def make() -> dict[int, SilhouetteResult]:
            points = common_space.rank_normal(table.frame[names])
            return separation.silhouettes(points, labelings, sample=sample, seed=self._settings.seed)

        return self._cache.get("common", self._scan_key(sorted(labelings)) | {"common": names}, make)[k]

    @functools.cached_property
    def _model(self) -> list[str]:
        return _estimator(self._parts.make_clusterer(2))

    def _scan_key(self, ks: Sequence[int]) -> dict:
        return self._space | {
            "model": self._model,
            "ks": list(ks),
            "takes_k": self._parts.takes_k,
            "sample": self._settings.evaluation.silhouette_sample,
            "seed": self._settings.seed,
        }


def features_key(settings: Settings, fingerprint: str) -> dict:
    """Gather what a feature table follows from."""
    dataset = {name: value for name, value in settings.dataset.model_dump().items() if name not in PLACES}
    return {
        "data": fingerprint,
        "dataset": dataset,
        "adapter": definition(dataset.get("load", {}).get("_target_", "")),
        "cleaning": settings.cleaning.model_dump(),
        "recipe": settings.recipe.model_dump(),
        "engine": settings.engine.name,
        "holdout": settings.evaluation.holdout.model_dump(),
        "code": code(READING),
    }


def _estimator(estimator: object) -> list[str]:
    kind = f"{type(estimator).__module__}.{type(estimator).__qualname__}"
    return [kind, definition(kind), joblib.hash(estimator)]
