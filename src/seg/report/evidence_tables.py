"""The tables of evidence in the report of a run."""

from __future__ import annotations

import pandas as pd

from seg.pipeline.result import Result


def _votes(votes: pd.DataFrame) -> pd.DataFrame:
    shown = votes.astype({"k": object, "value": object})
    shown["k"] = ["-" if pd.isna(k) else str(int(k)) for k in votes["k"]]
    shown["value"] = ["-" if pd.isna(value) else f"{value:.4g}" for value in votes["value"]]
    return shown


def evidence_tables(result: Result) -> list[tuple[str, pd.DataFrame]]:
    """Build the tables of evidence, each with its caption, in the order of the report."""
    evidence, tables = result.evidence, []
    if result.published is not None:
        tables.append(("Published figures of the study, and those of this run.", result.published))
    if result.votes is not None:
        tables.append(
            (
                "Votes for the number of segments: 1 sees a single group, - has no answer or was not asked.",
                _votes(result.votes),
            )
        )
    explained = {
        name.split("/", 1)[1]: value
        for name, value in result.metrics.items()
        if name.startswith("explained/")
    }
    tables.append(
        ("What the segments explain: share of the variance of each feature that lies between them.",
         pd.DataFrame({"feature": explained.keys(), "share explained": explained.values()}))
    )  # fmt: skip
    if result.outlook is not None and result.outlook.stakes is not None:
        tables.append(
            (f"Value at stake: {result.outlook.meaning}", result.outlook.stakes.drop(columns="segment"))
        )
    if evidence.stability is not None:
        stable = evidence.stability
        frame = pd.DataFrame({"segment": stable.segments, "bootstrap Jaccard": stable.jaccard.values(),
                              "band": stable.bands.values(), "dissolved": stable.dissolved.values()})  # fmt: skip
        strength = ""
        if evidence.strength is not None:
            strength = (
                f"prediction strength {evidence.strength[0]:.2f} (Tibshirani & Walther 2005: 0.8 is strong), "
            )
        caption = (
            f"Stability, {stable.scope}: bootstrap Jaccard (Hennig 2007), adjusted Rand index {stable.rand:.2f} "
            f"(standard error {stable.rand_se:.3f}), {strength}agreement over seeds {evidence.seeds:.2f}. A stable segmentation "
            "may still be a mere slice of one feature: see what the segments explain."
        )
        tables.append((caption, frame))
    if evidence.holdout is not None:
        scores = evidence.holdout.scores
        tables.append(
            (
                f"After the cut, segment by segment, with 95 % intervals: {evidence.holdout.sentence}",
                scores.segments,
            )
        )
        tables.append(("Against baselines: eta squared of log spend, cross-fitted AUC of buying and R squared of log spend.",
                       scores.baselines))  # fmt: skip
    return tables
