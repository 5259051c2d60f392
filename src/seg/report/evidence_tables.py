"""The tables of evidence in the report of a run."""

from __future__ import annotations

import pandas as pd

from seg.evaluation.evidence import Evidence
from seg.metrics.prediction import HoldoutScores
from seg.pipeline.result import Result

Captioned = tuple[str, pd.DataFrame]
VOTES = "Votes for the number of segments: 1 sees a single group, - has no answer or was not asked."
EXPLAINED = "What the segments explain: share of the variance of each feature that lies between them."
BASELINES = (
    "Against baselines: eta squared of log spend, cross-fitted AUC of buying and R squared of log spend."
)


def evidence_tables(result: Result) -> list[Captioned]:
    """Build the tables of evidence, each with its caption, in the order of the report."""
    evidence, tables = result.evidence, []
    if result.published is not None:
        tables.append(
            (
                "Figures of the study, printed or rebuilt by a direct script of its method, and those of this run.",
                result.published,
            )
        )
    if result.votes is not None:
        tables.append((VOTES, _votes(result.votes)))
    tables.append((EXPLAINED, _explained(result.metrics)))
    if evidence.stability is not None:
        tables.append(_stability(evidence))
    if evidence.holdout is not None:
        tables += _holdout(evidence.holdout.scores, evidence.holdout.sentence)
    return tables


def _votes(votes: pd.DataFrame) -> pd.DataFrame:
    shown = votes.astype({"k": object, "value": object})
    shown["k"] = ["-" if pd.isna(k) else str(int(k)) for k in votes["k"]]
    shown["value"] = ["-" if pd.isna(value) else f"{value:.4g}" for value in votes["value"]]
    return shown


def _explained(metrics: dict[str, float]) -> pd.DataFrame:
    explained = {
        name.split("/", 1)[1]: value for name, value in metrics.items() if name.startswith("explained/")
    }
    return pd.DataFrame({"feature": explained.keys(), "share explained": explained.values()})


def _stability(evidence: Evidence) -> Captioned:
    stable, strength = evidence.stability, ""
    frame = pd.DataFrame({"segment": stable.segments, "bootstrap Jaccard": stable.jaccard.values(),
                          "band": stable.bands.values(), "dissolved": stable.dissolved.values()})  # fmt: skip
    if evidence.strength is not None:
        strength = (
            f"prediction strength {evidence.strength[0]:.2f} (Tibshirani & Walther 2005: 0.8 is strong), "
        )
    caption = (
        f"Stability, {stable.scope}: bootstrap Jaccard (Hennig 2007), adjusted Rand index {stable.rand:.2f} "
        f"(standard error {stable.rand_se:.3f}), {strength}agreement over seeds {evidence.seeds:.2f}. A stable segmentation "
        "may still be a mere slice of one feature: see what the segments explain."
    )
    return caption, frame


def _holdout(scores: HoldoutScores, sentence: str) -> list[Captioned]:
    after = f"After the cut, segment by segment, with 95 % intervals: {sentence}"
    return [(after, scores.segments), (BASELINES, scores.baselines)]
