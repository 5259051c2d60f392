"""What a run with one model a group leaves in its directory: tables over all groups, and one page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from seg import progress
from seg.pipeline.grouped_result import COMMON, Grouped, GroupModel
from seg.report import group_page, lists, run_directory
from seg.segments import formats
from seg.sinks import local_files as files


def write(result: Grouped, folder: Path, config_yaml: str, about: run_directory.About) -> list[Path]:
    """Write everything into the directory of the run.

    Parameters
    ----------
    result : Grouped
    folder : Path
    config_yaml : str
        The composed configuration, unresolved.
    about : About

    Returns
    -------
    list of Path
        What was written.
    """
    with progress.step("lists"):
        written = [files.write(folder / "config.yaml", config_yaml)]
        written += [files.write_csv(folder / f"{name}.csv", table) for name, table in _tables(result).items()]
        written.append(files.write_parquet(folder / "assignments.parquet", _assignments(result)))
        customers = list_of_customers(result)
        written.append(files.write_parquet(folder / f"{lists.CUSTOMERS}.parquet", customers))
        if about.lists == "always" or (about.lists == "auto" and len(customers) < lists.LIMIT):
            written.append(files.write(folder / f"{lists.CUSTOMERS}.csv", lists.csv_for_people(customers)))
    with progress.step("report"):
        page = group_page.render(result, about, config_yaml, formats.locale(about.locale))
        written.append(files.write(folder / "report.html", page))
    return written


def _tables(result: Grouped) -> dict[str, pd.DataFrame]:
    metrics = [(name, value, "") for name, value in result.metrics.items()]
    evidence = [pd.DataFrame(one.result.evidence.verdicts).assign(model=one.name) for one in result.models]
    return {
        "groups": result.groups,
        "segments": result.segments,
        "names": pd.concat([_names(one) for one in result.models], ignore_index=True),
        "k_scan": result.k_scan,
        "ledger": result.prepared.ledger,
        "evidence": pd.concat(evidence, ignore_index=True),
        "metrics": pd.DataFrame(metrics, columns=["metric", "value", "meaning"]),
        "notes": pd.DataFrame(result.notes, columns=["level", "text"]),
        **({"bad_rows": result.prepared.rejects} if len(result.prepared.rejects) else {}),
    }


def _names(model: GroupModel) -> pd.DataFrame:
    table = model.result.interpretation.naming.described
    return table.assign(segment=model.numbered(table["segment"]), model=model.name)


def _assignments(result: Grouped) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": result.table.frame.index.astype(str),
            "segment": result.labels,
            "model": result.routed,
        }
    ).reset_index(drop=True)


def list_of_customers(result: Grouped) -> pd.DataFrame:
    """Return one row a customer: ``customer_id``, ``segment``, ``group``, ``model``, ``name``, the features, and what decided."""
    parts = []
    for model, chosen in result.members():
        if not len(chosen):
            continue
        one, rows = model.result, chosen if model.name == COMMON else slice(None)
        names = one.interpretation.naming.names
        table = lists.customers(one.table.frame.iloc[rows], names, run_directory.placed(one, rows))
        table["segment"] = model.numbered(table["segment"])
        table.insert(2, "group", result.prepared.groups.iloc[chosen].to_numpy())
        table.insert(3, "model", model.name)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)
