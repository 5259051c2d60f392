"""What a run leaves in its directory; every file appears whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from seg import progress
from seg.pipeline.result import Result
from seg.report import page as report
from seg.report.evidence_tables import evidence_tables
from seg.report.figures import figures as run_figures
from seg.sinks import files
from seg.sinks.shared_files import ASSIGNMENTS


def leave(
    result: Result, folder: Path, config_yaml: str, facts: Mapping[str, str], title: str, subtitle: str
) -> list[Path]:
    """Write everything a run leaves into its directory.

    Parameters
    ----------
    result : Result
    folder : Path
        The directory of the run.
    config_yaml : str
        The composed configuration, unresolved: what comes from the environment does not land in a file.
    facts : mapping of str to str
        Where the result came from, for the head of the report.
    title, subtitle : str
        Of the report.

    Returns
    -------
    list of Path
        What was written.
    """
    with progress.step("figures and report"):
        figures = run_figures(result)
        tables = {
            "segments": result.segments,
            "k_scan": result.scan.table,
            "ledger": result.ledger,
            "evidence": pd.DataFrame(result.evidence.verdicts),
        }
        if result.votes is not None:
            tables["votes"] = result.votes
        if result.published is not None:
            tables["published"] = result.published
        if len(result.rejects):
            tables["bad_rows"] = result.rejects
        written = [files.write(folder / "config.yaml", config_yaml)]
        written += [files.write_csv(folder / f"{name}.csv", table) for name, table in tables.items()]
        written += [_assigned(result, folder)]
        written += [
            files.write(folder / "figures" / f"{name}.png", png) for name, (_, png) in figures.items()
        ]
        page = report.render(
            title=title,
            subtitle=subtitle,
            notices=result.notices,
            facts=dict(facts),
            metrics=[(name, value, result.meanings.get(name, "")) for name, value in result.metrics.items()],
            segments=result.segments,
            features=[*result.table.features, *result.table.profile],
            k_scan=result.scan.table,
            k=result.k,
            k_reason=result.k_reason,
            ledger=result.ledger,
            figures=figures,
            config_yaml=config_yaml,
            verdicts=result.evidence.verdicts,
            evidence_tables=evidence_tables(result),
        )
        written.append(files.write(folder / "report.html", page))
    return written


def _assigned(result: Result, folder: Path) -> Path:
    """Write the segment of each customer, where Spark's executors have not."""
    if result.spread is not None and result.spread.assignments is not None:
        return result.spread.assignments
    return files.write_parquet(folder / ASSIGNMENTS, _assignments(result))


def _assignments(result: Result) -> pd.DataFrame:
    """One row a customer: the segment and, of a mixture, the probability of belonging to each segment."""
    table = pd.DataFrame({"customer_id": result.table.frame.index.astype(str), "segment": result.labels})
    probabilities = result.scan.fitted[result.k].memberships(result.seen)
    if probabilities is None:
        return table
    names = [f"probability_{segment}" for segment in range(probabilities.shape[1])]
    return table.join(pd.DataFrame(probabilities, columns=names))
