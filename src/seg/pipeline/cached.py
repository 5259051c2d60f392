"""The steps of a run that are read from the cache where they were done before: features, embedding, scan over k, rules for k."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from seg import progress
from seg.config.parts import Parts
from seg.config.settings import Preparation, Settings
from seg.errors import Note
from seg.evaluation import evidence
from seg.features import FeatureTable
from seg.metrics import common_space, separation
from seg.metrics.silhouette import Sampling, SilhouetteResult
from seg.models import space
from seg.pipeline import keys
from seg.pipeline.cache import Cache
from seg.preparation import prepare
from seg.preparation.prepare import Prepared
from seg.selection import choose
from seg.selection import scan as selection
from seg.selection.density import DensityGroups, density_groups
from seg.selection.scan import Scan
from seg.sources.locate import Source


@dataclass(frozen=True)
class Scanning:
    """What the scan over k and its measures depend on, beside the data and the model.

    Parameters
    ----------
    k_range : list of int
        Numbers of segments that are tried in every run.
    sample : int
        Up to this many customers a silhouette is exact; above, it is estimated on so many.
    seed : int
    common : list of str
        Features of the common space.
    error : float
        Standard error at which a sample for silhouettes is large enough.
    """

    k_range: list[int]
    sample: int
    seed: int
    common: list[str]
    error: float

    @classmethod
    def of(cls, settings: Settings) -> Scanning:
        """Gather the sections of the settings of a run."""
        return cls(
            settings.selection.k_range,
            settings.evaluation.silhouette_sample,
            settings.seed,
            settings.dataset.common,
            settings.evaluation.silhouette_error,
        )


class CachedSteps:
    """Steps of one run, read from the cache where they were done before.

    Parameters
    ----------
    cache : Cache
    parts : Parts
    settings : Preparation
        Data set, cleaning, recipe and hold-out.
    scanning : Scanning
    features_key : mapping
        From `seg.pipeline.keys.features_key`.
    """

    def __init__(
        self, cache: Cache, parts: Parts, settings: Preparation, scanning: Scanning, features_key: dict
    ):
        self._cache, self.parts, self._settings, self._scanning = cache, parts, settings, scanning
        self._features = features_key
        self._space = {"features": features_key, "scaler": keys.estimator_key(parts.scaler)}
        if parts.embed is not None:
            self._space["embed"] = keys.estimator_key(parts.embed)
        self._density: DensityGroups | None = None

    @property
    def takes_k(self) -> bool:
        """Whether the model takes k as a parameter."""
        return self.parts.takes_k

    def prepared(self, source: Source) -> Prepared:
        """Read, clean and compute features, see `seg.preparation.prepare.prepare`."""
        return self._cache.get(
            "features", self._features, lambda: prepare.prepare(self._settings, self.parts, source)
        )

    def embedded(self, table: FeatureTable, X: np.ndarray) -> tuple[object | None, np.ndarray]:
        """Fit the embedding of the model, if it has one.

        Returns
        -------
        embedding : transformer or None
            Fitted.
        embedded : ndarray of shape (n_customers, n_dimensions)
            Place of each customer in it; `X` itself without an embedding.
        """
        if self.parts.embed is None:
            return None, X

        def make() -> tuple[object, np.ndarray]:
            with progress.step("embed") as detail:
                embedded = space.embed(self.parts.embed, table.features, X)
                detail(f"{X.shape[1]} scaled features -> {embedded.shape[1]} dimensions")
            return self.parts.embed, embedded

        return self._cache.get("embedding", self._space, make)

    def scanned(self, embedded: np.ndarray, ks: Sequence[int], order_by: np.ndarray | None) -> Scan:
        """Fit and measure every k.

        A k outside `selection.k_range` is fitted by itself, so that the usual ones are read from the cache.

        Parameters
        ----------
        embedded : ndarray of shape (n_customers, n_dimensions)
        ks : sequence of int
        order_by : ndarray of shape (n_customers,) or None
            Segments are numbered by its mean, highest first.
        """
        if not self.parts.takes_k:
            return self._scan(embedded, ks, order_by)
        usual = [k for k in ks if k in self._scanning.k_range]
        others = [k for k in ks if k not in usual]
        scans = [
            self._scan(embedded, few, order_by) for few in ([usual] if usual else []) + [[k] for k in others]
        ]
        return scans[0] if len(scans) == 1 else selection.together(scans)

    def _scan(self, embedded: np.ndarray, ks: Sequence[int], order_by: np.ndarray | None) -> Scan:
        parts, scanning = self.parts, self._scanning

        def make() -> Scan:
            with progress.step("scan over k") as detail, progress.bar(len(ks)) as tick:
                sampling = Sampling(scanning.sample, scanning.seed, scanning.error)
                scan = selection.scan(embedded, parts, ks, order_by, sampling, tick)
                detail(f"k = {', '.join(str(k) for k in scan.table['k'])}")
            return scan

        return self._cache.get("scan", self._scan_key(ks), make)

    def density(self, embedded: np.ndarray) -> DensityGroups:
        """Count the groups in the density of the customers, once a run."""
        if self._density is None:
            self._density = density_groups(embedded, self._scanning.seed)
        return self._density

    def panel(
        self, embedded: np.ndarray, scan: Scan, complete: bool, decide: bool = True
    ) -> tuple[pd.DataFrame, list[Note]]:
        """Compute the values that the rules for k look at, for every k of a scan.

        Parameters
        ----------
        embedded : ndarray of shape (n_customers, n_dimensions)
        scan : Scan
        complete : bool
            Also gap, stability and mixtures, which decide nothing.
        decide : bool
            What decides on k; otherwise only rules that cost next to nothing.

        Returns
        -------
        table : DataFrame
            One row per k.
        notes : list of (level, text)
        """
        labelings = {k: segmenter.labels_ for k, segmenter in scan.fitted.items()}
        # The rules use the space the model clusters in; an embedding is not fitted anew for each of their samples.
        fit = evidence.fitter(replace(self.parts, embed=None), [])
        seed = self._scanning.seed

        def make() -> tuple[pd.DataFrame, list[Note]]:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                dense = self.density(embedded) if decide else None
                with progress.bar(len(labelings)) as tick:
                    measuring = choose.Measuring(complete=complete, decide=decide, seed=seed, tick=tick)
                    table = choose.panel(embedded, scan.table, labelings, fit, measuring, dense)
            texts = [str(warning.message) for warning in caught]
            return table, [("info", text) for text in texts if text.startswith("choosing k")]

        key = self._scan_key(sorted(scan.fitted)) | {"complete": complete, "decide": decide}
        return self._cache.get("panel", key, make)

    def common_silhouette(self, table: FeatureTable, scan: Scan, k: int) -> SilhouetteResult:
        """Compute the silhouette of the chosen segmentation in the common space.

        Exact silhouettes of every k take hardly longer than those of one, so all are computed, and kept for the next k.

        Parameters
        ----------
        table : FeatureTable
            With the features of the common space.
        scan : Scan
        k : int
            The chosen one.

        Returns
        -------
        SilhouetteResult
        """
        scanning = self._scanning
        every = len(table.frame) <= scanning.sample
        labelings = {one: fitted.labels_ for one, fitted in scan.fitted.items() if every or one == k}

        def make() -> dict[int, SilhouetteResult]:
            points = common_space.rank_normal(table.frame[scanning.common])
            return separation.silhouettes(points, labelings, scanning.sample, scanning.seed, scanning.error)

        key = self._scan_key(sorted(labelings)) | {"common": scanning.common}
        return self._cache.get("common", key, make)[k]

    @functools.cached_property
    def _model(self) -> list[str]:
        return keys.estimator_key(self.parts.make_clusterer(2))

    def _scan_key(self, ks: Sequence[int]) -> dict[str, object]:
        return self._space | {
            "model": self._model,
            "ks": list(ks),
            "takes_k": self.parts.takes_k,
            "sample": self._scanning.sample,
            "error": self._scanning.error,
            "seed": self._scanning.seed,
        }
