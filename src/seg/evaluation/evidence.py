"""The evidence that a segmentation is real: guards, stability, null data, a temporal hold-out, and a verdict on each.

Guards and sizes are looked at in every run; the rest costs time and is asked for with ``evaluation.*``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from sklearn.base import clone

from seg import progress
from seg.config.parts import Parts
from seg.config.settings import EvaluationSettings
from seg.errors import Note, SegError
from seg.evaluation import holdout, verdicts
from seg.evaluation.fitted import FittedSegmentation
from seg.evaluation.holdout import Holdout
from seg.evaluation.measure import Measured
from seg.features import FeatureTable
from seg.metrics import guards, null, stability
from seg.metrics import separation as metrics
from seg.metrics.null_result import NullTest, sentence
from seg.models import space
from seg.models.outcome_tiers import OutcomeTiers
from seg.models.segmenter import Segmenter

EMBEDDED_REPEATS = 20  # an embedding is fitted anew each time, which takes seconds: fewer bootstrap samples


@dataclass
class Evidence:
    """What speaks for and against a segmentation; None where it was not asked for or is not possible."""

    flags: list[str] = field(default_factory=list)
    stability: stability.Stability | None = None
    strength: tuple[float, float] | None = None
    seeds: float | None = None
    null: dict[str, NullTest] | None = None
    holdout: Holdout | None = None
    verdicts: list[verdicts.Verdict] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    meanings: dict[str, str] = field(default_factory=dict)

    @property
    def notes(self) -> list[Note]:
        """Return a warning for each reason why the run is flagged."""
        return [("warning", f"FLAGGED: {reason}") for reason in self.flags]

    def by_segment(self, measured: Measured) -> pd.DataFrame:
        """Build a table of one row per segment with its silhouettes and, where it was measured, its stability."""
        table = pd.DataFrame(
            {"own_silhouette": measured.own.per_cluster, "common_silhouette": measured.common.per_cluster}
        ).rename_axis("segment")
        if self.stability is not None:
            table = table.join(
                pd.DataFrame({"jaccard": self.stability.jaccard, "stability": self.stability.bands})
            )
        return table.reset_index()


def gather(
    fitted: FittedSegmentation,
    measured: Measured,
    parts: Parts,
    settings: EvaluationSettings,
    seed: int,
    flags: list[str] | None = None,
) -> Evidence:
    """Gather the evidence that the settings ask for.

    Parameters
    ----------
    fitted : FittedSegmentation
    measured : Measured
        Its metrics.
    parts : Parts
        Scaler and model, to be fitted again to other data.
    settings : EvaluationSettings
    seed : int
    flags : list of str, optional
        Reasons not to trust the run, where they were computed on all customers and `fitted` holds a sample.

    Raises
    ------
    SegError
        The data do not allow the evidence.
    """
    evidence, every = Evidence(flags=_flags(fitted) if flags is None else flags), []
    try:
        if settings.stability:
            _stability(fitted, parts, settings.repeats, seed, evidence)
            evidence.stability = replace(evidence.stability, total=int(measured.values["data/customers"]))
        if settings.null:
            _null(fitted, parts, settings, seed, evidence)
    except ValueError as error:
        raise SegError(f"evaluation: {error}") from error
    if fitted.prepared.parted is not None:
        with progress.step("judge by the hold-out") as detail:
            evidence.holdout = holdout.judge(
                parts, fitted.prepared.parted, fitted.k, settings.silhouette_sample, seed
            )
            detail(evidence.holdout.sentence)
        every = [evidence.holdout, *_earlier(fitted, parts, settings.silhouette_sample, seed)]
        evidence.metrics |= evidence.holdout.metrics | holdout.spread(every)
    evidence.verdicts = verdicts.verdicts(
        silhouette=measured.own.value,
        sizes=verdicts.Sizes(
            int(measured.values["segments/smallest_segment"]),
            measured.values["segments/largest_share"],
            int(measured.values["data/customers"]),
        ),
        stability=evidence.stability,
        null=evidence.null,
        foretold=verdicts.Foretold(
            evidence.holdout.scores if evidence.holdout else None,
            fitted.prepared.no_holdout,
            holdout.over_cuts(every),
        ),
    )
    evidence.meanings = {name: verdicts.MEANINGS[name] for name in evidence.metrics}
    return evidence


def _earlier(fitted: FittedSegmentation, parts: Parts, sample: int, seed: int) -> Iterator[Holdout]:
    """Judge the earlier cuts of the hold-out."""
    for parted in fitted.prepared.earlier:
        with progress.step(f"judge by the hold-out of {parted.cut}") as detail:
            judged = holdout.judge(parts, parted, fitted.k, sample, seed)
            detail(judged.sentence)
        yield judged


def _flags(fitted: FittedSegmentation) -> list[str]:
    table = fitted.prepared.table
    floor = int(getattr(fitted.segmenter.clusterer_, "n_floor_components_", 0))
    return guards.guards(fitted.X, fitted.labels, table.frame[table.features], floor)


def fitter(parts: Parts, features: list[str]) -> Callable:
    """Make the callable that stability takes: from rows, k and a seed to labels and a rule for other rows.

    A model of outcomes learns from a bootstrap sample of its lesson, drawn by the seed: otherwise it would be the same each time.
    """

    def fit(X: np.ndarray, k: int, seed: int):
        clusterer = parts.make_clusterer(k)
        if isinstance(clusterer, OutcomeTiers):
            clusterer = clusterer.resampled(seed)
        if "random_state" in clusterer.get_params():
            clusterer.set_params(random_state=seed)
        if parts.embed is None:
            segmenter = Segmenter(clusterer).fit(X)
            return segmenter.labels_, segmenter.predict
        embedding = clone(parts.embed)
        if "random_state" in embedding.get_params():
            embedding.set_params(random_state=seed)
        segmenter = Segmenter(clusterer).fit(space.embed(embedding, features, X))
        return segmenter.labels_, lambda rows: segmenter.predict(
            np.asarray(embedding.transform(pd.DataFrame(rows, columns=features)))
        )

    return fit


def _stability(fitted: FittedSegmentation, parts: Parts, repeats: int, seed: int, evidence: Evidence) -> None:
    X, labels, k = fitted.X, fitted.labels, fitted.k
    fit = fitter(parts, fitted.prepared.table.features)
    if parts.embed is not None:
        repeats = min(repeats, EMBEDDED_REPEATS)
    with progress.step("stability") as detail:
        workers = None if parts.embed is None else 1
        resampling = stability.Resampling(repeats, seed, workers)
        evidence.stability = stability.bootstrap(X, labels, fit, k, resampling)
        if parts.takes_k:
            splits = 10 if parts.embed is None else 3
            evidence.strength = stability.prediction_strength(X, fit, [k], splits, seed, workers)[k]
        evidence.seeds = stability.seed_agreement(X, fit, k, 10 if parts.embed is None else 5, seed, workers)
        worst = min(evidence.stability.jaccard.values())
        detail(f"lowest Jaccard {worst:.2f} ({stability.band(worst)}); {evidence.stability.scope}")
    evidence.metrics |= {
        "stability/jaccard_min": worst,
        "stability/jaccard_mean": float(np.mean(list(evidence.stability.jaccard.values()))),
        "stability/adjusted_rand": evidence.stability.rand,
        "stability/adjusted_rand_se": evidence.stability.rand_se,
        "stability/seed_agreement": evidence.seeds,
    }
    if evidence.strength is not None:
        evidence.metrics |= {"stability/prediction_strength": evidence.strength[0]}


def _null(
    fitted: FittedSegmentation, parts: Parts, settings: EvaluationSettings, seed: int, evidence: Evidence
) -> None:
    """Run features, transforms, scaler, embedding and clusterer on data without structure."""
    if isinstance(fitted.segmenter.clusterer, OutcomeTiers):
        with progress.step("null data") as detail:
            evidence.null = {"shuffled": _shuffled(fitted.segmenter.clusterer, settings.null, seed)}
            detail(sentence(evidence.null))
        _null_metrics(evidence)
        return
    table, k = fitted.prepared.table, fitted.k
    fit, sample = fitter(parts, table.features), settings.silhouette_sample
    columns = table.features

    def score(values: np.ndarray, draw: int) -> float:
        drawn = FeatureTable(pd.DataFrame(values, columns=columns), columns, [], table.transforms, None)
        _pipeline, X, _notes = space.scale(drawn, clone(parts.scaler))
        embedded = X
        if parts.embed is not None:
            embedding = clone(parts.embed).set_params(random_state=draw)
            embedded = space.embed(embedding, columns, X)
            labels = Segmenter(parts.make_clusterer(k)).fit(embedded).labels_
        else:
            labels, _assign = fit(X, k, draw)
        return metrics.silhouettes(embedded, {k: labels}, sample=sample, seed=seed)[k].value

    with progress.step("null data") as detail:
        workers = 1 if parts.embed is not None else None
        raw = table.frame[columns].to_numpy()
        evidence.null = null.null_test(raw, score, settings.null, seed, workers=workers)
        detail(sentence(evidence.null))
    _null_metrics(evidence)


def _shuffled(model: OutcomeTiers, draws: int, seed: int) -> NullTest:
    """Compare tiers with tiers that were learned from outcomes dealt out at random.

    Learned from one half of the lesson's customers, they are judged on the other half.
    """
    learned, judged = model.lesson.halves(seed)

    def explained(spend: np.ndarray) -> float:
        again = clone(model).set_params(lesson=replace(learned, spend=spend))
        tiers = again.fit(judged.X).labels_
        outcome = pd.DataFrame({"log_spend": np.log1p(judged.spend)})
        return metrics.variance_explained(outcome, tiers)["log_spend"]

    rng = np.random.default_rng([seed, 7])
    scores = [explained(rng.permutation(learned.spend)) for _ in range(draws)]
    return NullTest(explained(learned.spend), np.array(scores))


def _null_metrics(evidence: Evidence) -> None:
    # A p that draws cannot reach says nothing against a run: whoever compares needs their number.
    evidence.metrics["null/draws"] = min(test.draws for test in evidence.null.values())
    for kind, test in evidence.null.items():
        evidence.metrics |= {
            f"null/{kind}_mean": test.mean,
            f"null/{kind}_z": test.z,
            f"null/{kind}_p": test.p,
        }
