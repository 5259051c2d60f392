"""The tables of a run, read from its directory: what a run, a scoring or a migration left is exported then or later."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset

from seg.errors import SegError, undamaged
from seg.sinks.star_schema import Export, table

FACTS = "run.json"
# Columns of `runs`, in order, with their types: a fact that a run lacks is missing, and the type stays.
RUNS = {
    "kind": "string", "dataset": "string", "made_at": "datetime64[us, UTC]", "k": "Int64", "customers": "Int64",
    "as_of": "date", "model": "string", "recipe": "string", "scaler": "string", "cleaning": "string", "currency": "string",
    "fingerprint": "string", "flagged": "string",
}  # fmt: skip
FILES = {
    "segments": "segments.csv",
    "k_scan": "k_scan.csv",
    "ledger": "ledger.csv",
    "movement": "transitions.csv",
}
CUSTOMERS = ("customers.parquet", "assignments.parquet")
RENAMED = {"from": "from_segment", "to": "to_segment"}
TEXTS = ("name", "sentence", "actions", "step", "from", "to", "evidence")  # text even where a column is empty


def facts(run_id: str, **known: object) -> str:
    """Return the facts of a run as JSON, for `run.json` in its directory."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return (
        json.dumps({"run_id": run_id, "made_at": now, **known}, indent=1, default=str, ensure_ascii=False)
        + "\n"
    )


def read_facts(folder: Path) -> dict:
    """Read `run.json` of a directory.

    Raises
    ------
    SegError
        There is none, or it is not one.
    """
    try:
        known = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        return {"run_id": str(known["run_id"]), **known}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise SegError(
            f"run={folder}: has no {FACTS}; expected the directory of a run, a scoring or a migration of this version of seg"
        ) from None


def gather(
    folder: Path, names: Sequence[str], computed: Mapping[str, Callable[[], pa.Table | pd.DataFrame | None]]
) -> Export:
    """Gather the tables of a run from its directory.

    Parameters
    ----------
    folder : Path
    names : sequence of str
        Tables to export; one that the run does not have is left out.
    computed : mapping of str to callable
        Makes a table that no file of the run holds, such as ``monthly``; returns None where it cannot be made.

    Raises
    ------
    SegError
        The directory holds no run.
    """
    known = read_facts(folder)
    run_id, tables = known["run_id"], []
    for name in names:
        with undamaged(folder / FILES.get(name, FACTS if name == "runs" else "assignments.parquet")):
            rows = _runs(known) if name == "runs" else _read(folder, name)
        if rows is None and name in computed:
            rows = computed[name]()
        if rows is not None and len(rows):
            tables.append(table(name, run_id, rows))
    return Export(run_id, str(known.get("dataset")), tuple(tables))


def _runs(run_facts: Mapping) -> pd.DataFrame:
    row = {name: [run_facts.get(name)] for name in RUNS}
    frame = pd.DataFrame(row)
    for name, kind in RUNS.items():
        if kind == "date":
            frame[name] = pd.Series(pd.to_datetime(frame[name]).dt.date, dtype=pd.ArrowDtype(pa.date32()))
        elif kind.startswith("datetime"):
            frame[name] = pd.to_datetime(frame[name], utc=True).astype(kind)
        else:
            frame[name] = frame[name].astype(kind)
    return frame


def _read(folder: Path, name: str) -> pa.Table | pd.DataFrame | None:
    if name == "customers":
        path = next((folder / one for one in CUSTOMERS if (folder / one).exists()), None)
        return None if path is None else pyarrow.dataset.dataset(path, format="parquet").to_table()
    path = folder / FILES.get(name, "none")
    if not path.is_file():
        return None
    rows = pd.read_csv(path, dtype=dict.fromkeys(TEXTS, "string"))
    if name == "ledger":
        rows.insert(0, "position", range(len(rows)))
    if name == "segments":
        rows = _with_actions(rows, folder / "names.csv")
    if name == "k_scan" and "model" in rows.columns:
        return None  # one model a group: k does not name a row
    if name == "k_scan":
        rows = rows.drop_duplicates("k")
    return _whole_numbers(rows.rename(columns=RENAMED))


def _whole_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    """Make integers of numbers without a fraction, which a missing one made floats; other numbers stay as they are."""
    converted = rows.convert_dtypes()
    kept = [name for name in rows if str(converted[name].dtype) in ("Float64", "boolean")]
    return converted.assign(**{name: rows[name] for name in kept})


def _with_actions(segments: pd.DataFrame, names: Path) -> pd.DataFrame:
    """Add the sentence and the actions of each segment, where the run has them."""
    if not names.is_file():
        return segments
    table = pd.read_csv(names, dtype=dict.fromkeys(TEXTS, "string"))
    if not {"segment", "sentence", "actions"} <= set(table.columns):
        return segments
    wording = table.loc[table["segment"] >= 0, ["segment", "sentence", "actions"]]
    return segments.merge(wording.drop_duplicates("segment"), on="segment", how="left")


def scored(path: Path, summary: Mapping) -> Export:
    """Return the tables of a scoring: its customers, its segments, and the scoring itself.

    Parameters
    ----------
    path : Path
        The file of scored customers, Parquet or CSV.
    summary : mapping
        The summary of the scoring, see `seg.score.nightly`.
    """
    run_id = summary["run_id"]
    run_facts = {name: summary.get(name) for name in ("dataset", "model", "customers")} | {
        "kind": "score",
        "as_of": summary["day"],
    }
    run_facts |= {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "flagged": summary["drift"],
        "k": len(summary["segments"]),
    }
    segments = pd.DataFrame(
        # The model of each group is a column of its own.
        {**one, "name": one["name"].removeprefix(f"{one['model']}: ")} if "model" in one else one
        for one in summary["segments"]
    ).rename(columns={"customers": "size"})
    kind = "parquet" if path.suffix == ".parquet" else "csv"
    customers = pyarrow.dataset.dataset(path, format=kind).to_table()
    place = customers.schema.get_field_index("customer_id")
    customers = customers.set_column(place, "customer_id", customers["customer_id"].cast(pa.string()))
    tables = [("runs", _runs(run_facts)), ("segments", segments), ("customers", customers)]
    return Export(run_id, str(summary["dataset"]), tuple(table(name, run_id, rows) for name, rows in tables))
