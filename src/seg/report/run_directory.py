"""What a run leaves in its directory; every file appears whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from seg import progress
from seg.pipeline.cache import NONE, Cache
from seg.pipeline.result import Result
from seg.report import figures, lists, run_page
from seg.report.evidence_tables import evidence_tables
from seg.report.verdict_line import verdict_line
from seg.segments import deciding, explain, formats, rule_sql
from seg.sinks import local_files as files

MONTH = re.compile(r"(revenue|orders)_(\d{4}-\d{2})")


@dataclass(frozen=True)
class About:
    """What a report says about its run, and what the run leaves for people.

    Parameters
    ----------
    title, subtitle : str
    facts : mapping of str to str
        Where the result comes from.
    currency : str, optional
    locale : str
        Code of the locale of the numbers.
    lists : str
        Whether lists are written as CSV and Excel: ``auto`` (below `seg.report.lists.LIMIT` customers), ``always``, ``never``.
    """

    title: str
    subtitle: str
    facts: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    locale: str = "en"
    lists: str = "auto"


def write(result: Result, folder: Path, config_yaml: str, about: About, cache: Cache = NONE) -> list[Path]:
    """Write everything a run leaves into its directory.

    Parameters
    ----------
    result : Result
    folder : Path
        The directory of the run.
    config_yaml : str
        The composed configuration, unresolved: what comes from the environment does not land in a file.
    about : About
    cache : Cache
        Of figures.

    Returns
    -------
    list of Path
        What was written.
    """
    with progress.step("lists"):
        written = [files.write(folder / "config.yaml", config_yaml)]
        written += [files.write_csv(folder / f"{name}.csv", table) for name, table in _tables(result).items()]
        written += [
            result.population.write_assignments(folder, _assignments(result)),
            *_rules(result, folder),
            *_lists(result, folder, about),
        ]
    with progress.step("figures and report"):
        drawn = figures.figures(result, about.locale, cache)
        written += [files.write(folder / "figures" / f"{name}.png", png) for name, (_, png) in drawn.items()]
        page = run_page.render(_page(result, drawn, config_yaml, about), formats.locale(about.locale))
        written.append(files.write(folder / "report.html", page))
    return written


def _tables(result: Result) -> dict[str, pd.DataFrame]:
    """Gather the tables of a run by the name of their file."""
    meant = result.interpretation
    tables = {
        "segments": result.segments,
        "names": meant.naming.described,
        "k_scan": result.scan.table,
        "ledger": result.ledger,
        "evidence": pd.DataFrame(result.evidence.verdicts),
        "metrics": _metrics(result),
        "notes": pd.DataFrame(result.notes, columns=["level", "text"]),
    }
    if meant.rule_segments is not None:
        tables["rule_segments"] = meant.rule_segments.counts
        tables["rfm_scores"] = meant.rule_segments.ranges
        tables["cross_tab"] = meant.rule_segments.cross.long
    if meant.buying is not None:
        buying = meant.buying
        tables |= {"bought": buying.items, "together": buying.together}
        tables |= {"revenue_tree": buying.tree, "customer_status": buying.status}
        tables["months"] = pd.concat(
            [table.stack().rename(what) for what, table in buying.months.items()], axis=1
        ).reset_index()
    if result.votes is not None:
        tables["votes"] = result.votes
    if result.published is not None:
        tables["published"] = result.published
    if len(result.rejects):
        tables["bad_rows"] = result.rejects
    return tables


def _rules(result: Result, folder: Path) -> list[Path]:
    explanation, names = result.interpretation.explanation, result.interpretation.naming.names
    return [
        files.write(folder / "rules.txt", explain.text(explanation)),
        files.write(folder / "rules.sql", rule_sql.script(explanation, names)),
    ]


def _lists(result: Result, folder: Path, about: About) -> list[Path]:
    """Write the lists of customers; where they stayed on Spark only a sample is here, and there is none."""
    if result.population.sampled:
        return []
    meant = result.interpretation
    table = lists.customers(result.table.frame, meant.naming.names, placed(result))
    if result.outlook is not None:
        table = result.outlook.joined(table)
    written = [files.write_parquet(folder / f"{lists.CUSTOMERS}.parquet", table)]
    if about.lists == "never" or (about.lists == "auto" and len(table) >= lists.LIMIT):
        return written
    written.append(files.write(folder / f"{lists.CUSTOMERS}.csv", lists.csv_for_people(table)))
    if len(table) < lists.MOST_IN_EXCEL:
        facts = {"segmentation": about.title, **about.facts}
        further = {} if result.outlook is None else result.outlook.sheets
        book = lists.segments_workbook(table, result.segments, meant, facts, further)
        written.append(files.write(folder / "segments.xlsx", book))
    return written


def placed(result: Result, rows: slice | np.ndarray = slice(None)) -> lists.Placed:
    """Measure how near every customer, or those in `rows`, is to the own and to the next segment, and which features decided."""
    segmenter, labels, embedded = result.scan.fitted[result.k], result.labels[rows], result.embedded[rows]
    probabilities = segmenter.memberships(embedded)
    if probabilities is None:
        nearness = deciding.nearest(np.asarray(embedded, dtype="float64"), labels, segmenter.centers_)
    else:
        nearness = deciding.most_probable(probabilities, labels)
    following = nearness["next_segment"].to_numpy()
    decided = deciding.decided(result.X[rows], labels, following, result.table.features)
    rules = result.interpretation.rule_segments
    return lists.Placed(labels, nearness, decided, None if rules is None else rules.scored.iloc[rows])


def _page(
    result: Result, drawn: Mapping[str, tuple[str, bytes]], config_yaml: str, about: About
) -> run_page.RunPage:
    meant = result.interpretation
    points, _explained = figures.plane(result.X)
    return run_page.RunPage(
        title=about.title,
        subtitle=about.subtitle,
        notes=result.notes,
        facts=about.facts,
        metrics=[(name, value, result.meanings.get(name, "")) for name, value in result.metrics.items()],
        segments=result.segments,
        features=[*result.table.features, *result.table.profile],
        k_scan=result.scan.table,
        k=result.k,
        k_reason=result.k_reason,
        ledger=result.ledger,
        figures={name: drawn[name] for name in figures.OF_EVIDENCE if name in drawn},
        config_yaml=config_yaml,
        verdicts=result.evidence.verdicts,
        verdict_line=verdict_line(result.evidence.verdicts, result.k_reason),
        evidence_tables=evidence_tables(result),
        naming=meant.naming,
        explanation=meant.explanation,
        rule_segments=meant.rule_segments,
        customer_map=(points, result.labels),
        embedding=figures.embedding(result),
        months=months(result.segments) if meant.buying is None else meant.buying.months,
        buying=meant.buying,
        days=(result.table.oldest, result.table.newest),
        currency=about.currency,
        **_stakes(result),
    )


def _stakes(result: Result) -> dict[str, object]:
    """Return what the page shows of the outlook."""
    if result.outlook is None or result.outlook.stakes is None:
        return {}
    meaning = result.outlook.meaning
    return {
        "stakes": result.outlook.stakes,
        "tests": result.outlook.tests,
        "stakes_meaning": f"{meaning[0].upper()}{meaning[1:]}",
    }


def months(segments: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Sum what the features know of each calendar month: one table (segments by months) for revenue and for orders."""
    tables: dict[str, dict[str, pd.Series]] = {}
    for column in segments.columns:
        match = MONTH.fullmatch(str(column).removeprefix("mean_"))
        if match and str(column).startswith("mean_"):
            sums = segments[column] * segments["size"]
            tables.setdefault(match.group(1), {})[match.group(2)] = sums.set_axis(segments["segment"])
    return {what: pd.DataFrame(by_month).sort_index(axis=1) for what, by_month in tables.items()}


def _metrics(result: Result) -> pd.DataFrame:
    """Return one row a metric: its name, its value and what it means."""
    rows = [(name, value, result.meanings.get(name, "")) for name, value in result.metrics.items()]
    return pd.DataFrame(rows, columns=["metric", "value", "meaning"])


def _assignments(result: Result) -> pd.DataFrame:
    """Return one row a customer: the segment and, of a mixture, the probability of each segment."""
    table = pd.DataFrame({"customer_id": result.table.frame.index.astype(str), "segment": result.labels})
    probabilities = result.scan.fitted[result.k].memberships(result.embedded)
    if probabilities is None:
        return table
    names = [f"probability_{segment}" for segment in range(probabilities.shape[1])]
    return table.join(pd.DataFrame(probabilities, columns=names))
