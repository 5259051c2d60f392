"""The columns of a ranking, the same on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from seg.compare.attempts import NULL, SCORE
from seg.errors import SegError, listed
from seg.report.plots import percent
from seg.segments.formats import MINUS

NOT_MEASURED = "-"
# What each run measures in a space of its own, and so never on one scale.
OWN = {
    "own": "the scaled features of that run",
    "embedding": "the embedding of that run",
    "scan": "the space that the clusterer of that run saw",
    "explained": "the features of that run",
}
SMALLER_IS_BETTER = (*NULL, "null/p", "segments/largest_share", "segments/noise_share",
                     "seconds/total", "common/silhouette_se", "stability/adjusted_rand_se", "data/bad_rows")  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column: how its value is written, and what it means."""

    key: str
    head: str
    meaning: str
    write: Callable[[Mapping], str]
    numeric: bool = True

    def text(self, row: Mapping) -> str:
        """Write the cell of a run, a dash where it was not measured."""
        value = row.get(self.key)
        missing = value is None or (isinstance(value, float) and pd.isna(value))
        return NOT_MEASURED if missing else self.write(row)


def _places(key: str, places: int) -> Callable[[Mapping], str]:
    return lambda row: f"{row[key]:.{places}f}".replace("-", MINUS)


def _plain(key: str) -> Callable[[Mapping], str]:
    return lambda row: str(row[key])


def n_of_segments(row: Mapping) -> str:
    """Return k, and how many segments there are where the model has left clusters empty.

    >>> n_of_segments({"k": 3, "n_segments": 2})
    '3 (2 segments)'
    """
    n_segments = int(row.get("n_segments", row["k"]))
    return f"{row['k']}" + (
        f" ({n_segments} segment{'' if n_segments == 1 else 's'})" if n_segments < row["k"] else ""
    )


def _silhouette(row: Mapping) -> str:
    error = row.get("common/silhouette_se")
    return _places(SCORE, 3)(row) + (f" ± {error:.3f}" if error and error > 0 else "")


def _run(row: Mapping) -> str:
    return row["run_id"][:8] + (" champion" if row.get("champion") else "")


def _model(row: Mapping) -> str:
    return row["model"] + (f" ({row['engine']})" if row.get("engine") not in ("duckdb", "", None) else "")


def _seeds(row: Mapping) -> str:
    flagged = f" ({row['seeds_flagged']} flagged)" if row["seeds_flagged"] else ""
    return f"{row['seeds']}{flagged}"


def evidence(row: Mapping) -> str:
    """Describe in a few words where the evidence of a run stands."""
    if row["fails"]:
        return "fails " + ", ".join(row["fails"])
    if row["lacks"]:
        return "lacks " + ", ".join(row["lacks"])
    return "complete" + (", Pareto front" if row["front"] else "")


COLUMNS = (
    Column("rank", "rank", "place in the stated order", _plain("rank")),
    Column("rank_at_k", "at k", "place among the runs of the same k", lambda row: f"{row['rank_at_k']}/{row['of_at_k']}"),
    Column("run_id", "run", "first eight characters of the MLflow run id, and whether it is the champion of its data set", _run, False),
    Column("model", "model", "clusterer", _model, False),
    Column("recipe", "recipe", "features", _plain("recipe"), False),
    Column("scaler", "scaler", "how features are brought to one scale", _plain("scaler"), False),
    Column("cleaning", "cleaning", "rules that drop or change rows", _plain("cleaning"), False),
    Column("k", "k", "number of segments; fewer in parentheses where the model left clusters empty", n_of_segments),
    Column("standing", "evidence", "complete: everything was measured and nothing failed", evidence, False),
    Column(SCORE, "common silhouette", "mean silhouette in the common space, the same for every run of this list; ± standard error where it is estimated", _silhouette),
    Column("common/silhouette_macro", "macro", "mean of the segments' silhouettes in the common space, each segment counting once", _places("common/silhouette_macro", 3)),
    Column("stability/jaccard_min", "Jaccard min", "lowest bootstrap Jaccard of a segment; above 0.75 valid (Hennig 2007)", _places("stability/jaccard_min", 2)),
    Column("stability/adjusted_rand", "adj. Rand", "mean adjusted Rand index with segmentations of bootstrap samples", _places("stability/adjusted_rand", 2)),
    Column("stability/prediction_strength", "pred. strength", "prediction strength; 0.8 is strong (Tibshirani & Walther 2005)", _places("stability/prediction_strength", 2)),
    Column("null/p", "null p", "the largest p of the tests against null data: permuted, uniform, one stretched cloud, one bent cloud; of a model of outcomes, purchases dealt out at random", _places("null/p", 2)),
    Column("holdout/auc", "hold-out AUC", "how well segments tell who buys after the cut; 0.5 is chance", _places("holdout/auc", 3)),
    Column("holdout/lift", "over rule RFM", "hold-out AUC minus that of rule-based RFM segments", lambda row: f"{row['holdout/lift']:+.3f}".replace("-", MINUS)),
    Column("holdout/deviance_explained", "explained", "share of the deviance of buying and spending after the cut that segments explain, cross-fitted; decides", _places("holdout/deviance_explained", 3)),
    Column("segments/largest_share", "largest", "share of customers in the largest segment", lambda row: percent(row["segments/largest_share"])),
    Column("segments/smallest_segment", "smallest", "customers in the smallest segment", lambda row: f"{row['segments/smallest_segment']:,.0f}"),
    Column("seconds/total", "seconds", "how long the run took", _places("seconds/total", 0)),
    Column("seeds", "seeds", "seeds that this configuration was run with", _seeds),
    Column("options", "with", "what was overridden beyond the choice of parts", _plain("options"), False),
)  # fmt: skip


# Left out of a ranking in which no run has measured them; the column of the evidence says what is lacking.
MEASURED = {column.key for column in COLUMNS if column.key.startswith(("stability/", "null/", "holdout/"))}


def _unmeasured(table: pd.DataFrame, key: str) -> bool:
    return len(table) > 0 and (key not in table or bool(table[key].isna().all()))


def shown(table: pd.DataFrame, sort: str = "rule") -> list[Column]:
    """Choose the columns of a ranking: those with a value in any run, that of overrides where there are any, and that of the order."""
    columns = [
        column
        for column in COLUMNS
        if (column.key != "options" or ("options" in table and table["options"].astype(bool).any()))
        and not (column.key in MEASURED and _unmeasured(table, column.key))
    ]
    if sort != "rule" and sort not in [column.key for column in columns]:
        columns.insert(9, Column(sort, sort, f"the order is by {sort}", _places(sort, 3)))
    return columns


def sortable(sort: str, table: pd.DataFrame) -> None:
    """Refuse an order by what is not on one scale for all runs.

    Raises
    ------
    SegError
        The metric is of each run's own space, or unknown.
    """
    space, _, name = sort.partition("/")
    if space in OWN and name:
        raise SegError(
            f"sort={sort}: refused, it is measured in {OWN[space]}, so its values are not on one scale: a run can win by its scaling "
            f"alone. Take sort={SCORE}, measured in the one space that all runs of a list share"
        )
    sortable_columns = ["rule", *(name for name in table.columns if _on_one_scale(name, table))]
    if sort not in sortable_columns:
        raise SegError(f"sort={sort}: unknown; expected one of {listed(sort, sortable_columns)}")


def descending(sort: str) -> bool:
    """Return True if large values come first."""
    return sort not in SMALLER_IS_BETTER


def _on_one_scale(name: str, table: pd.DataFrame) -> bool:
    space = name.partition("/")[0]
    return "/" in name and space not in OWN and pd.api.types.is_numeric_dtype(table[name])
