"""What the page shows, as tables: plain functions of the exported tables and of what is chosen."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from seg.errors import SegError
from seg.report.plots.palette import segment_colour
from seg.segments.worth import stake_days

MEASURES = {"revenue": "revenue", "customers": "customers who ordered", "orders": "orders"}
COMMON = "(common)"
PROBABILITY = re.compile(r"probability_(\d+)")  # to buy in so many days, of the outlook
SHOWN = 6  # mean features of a segment


@dataclass(frozen=True)
class Choice:
    """What is chosen on the page; empty means everything.

    Parameters
    ----------
    segments : tuple of int
    groups : tuple of str
        Of a run with one model a group, such as countries.
    first, last : str or None
        Months, such as ``2026-03``; both are shown.
    """

    segments: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()
    first: str | None = None
    last: str | None = None


def trainings(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs that segmented customers, the newest first, with a ``label`` for people.

    Raises
    ------
    SegError
        There is none.
    """
    trainings = runs[runs["kind"] == "train"]
    if trainings.empty:
        raise SegError("source: holds scorings or movements only; export a run of seg run too")
    made_at = pd.to_datetime(trainings["made_at"], utc=True)
    trainings = trainings.assign(made_at=made_at).sort_values(
        ["made_at", "run_id"], ascending=False, ignore_index=True
    )
    label = [
        f"{row.dataset}, {row.made_at:%Y-%m-%d %H:%M}, {int(row.k)} segments, {row.run_id[:8]}"
        for row in trainings.itertuples()
    ]
    return trainings.assign(label=label)


def chosen(table: pd.DataFrame, segments: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """Return the rows of a table with a column ``segment`` that belong to what is chosen."""
    keep = table["segment"].isin(wanted(segments, choice)["segment"])
    if choice.groups and "group" in table:
        keep &= table["group"].isin(choice.groups)
    return table[keep]


def wanted(segments: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """Return the chosen segments: by number, and by group; a group without a model of its own has the common one."""
    keep = pd.Series(True, segments.index)
    if choice.segments:
        keep &= segments["segment"].isin(choice.segments)
    if choice.groups and "model" in segments:
        own = set(segments["model"])
        names = {name if name in own else COMMON for name in choice.groups}
        keep &= segments["model"].isin(names)
    return segments[keep]


def names(segments: pd.DataFrame) -> dict[int, str]:
    """Return what each segment is called; with its group, where each group has a model."""
    if "model" not in segments:
        return dict(zip(segments["segment"], segments["name"], strict=True))
    return {
        row.segment: f"{row.model}: {row.name}" if row.model else row.name
        for row in segments.itertuples(index=False)
    }


def colours(segments: pd.DataFrame) -> dict[str, str]:
    """Return the colour of each segment by its name, the same as in the report."""
    return {name: segment_colour(int(segment)) for segment, name in names(segments).items()}


def groups(customers: pd.DataFrame | None) -> list[str]:
    """Return the groups of the customers, the largest first; none where the run has one model."""
    if customers is None or "group" not in customers:
        return []
    return customers["group"].dropna().value_counts().index.tolist()


def cards(segments: pd.DataFrame, choice: Choice) -> list[dict]:
    """Return what people read of each chosen segment: name, size, shares, sentence, actions, means."""
    named, cards = names(segments), []
    for row in wanted(segments, choice).to_dict("records"):
        means = {name.removeprefix("mean_"): row[name] for name in row if name.startswith("mean_")}
        cards.append(
            {
                "segment": int(row["segment"]),
                "name": named[row["segment"]],
                "size": int(row["size"]),
                "share": row["share"],
                "revenue_share": row.get("revenue_share"),
                "sentence": _text(row.get("sentence")),
                "actions": [one for one in _text(row.get("actions")).split("\n") if one],
                "means": dict(list(means.items())[:SHOWN]),
            }
        )
    return cards


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def month_names(monthly: pd.DataFrame | None) -> list[str]:
    """Return the months of a run, in order."""
    if monthly is None:
        return []
    return sorted(pd.to_datetime(monthly["month"]).dt.strftime("%Y-%m").unique())


def by_month(monthly: pd.DataFrame, segments: pd.DataFrame, choice: Choice, measure: str) -> pd.DataFrame:
    """Return a measure by month (rows) and segment (columns, by name) for what is chosen; a month without orders is 0.

    Parameters
    ----------
    monthly, segments : DataFrame
    choice : Choice
    measure : str
        A key of `MEASURES`.
    """
    rows = monthly[monthly["segment"].isin(wanted(segments, choice)["segment"])]
    rows = rows.assign(month=pd.to_datetime(rows["month"]).dt.strftime("%Y-%m"))
    wide = rows.pivot_table(index="month", columns="segment", values=measure, aggfunc="sum", fill_value=0)
    months = [
        one
        for one in month_names(monthly)
        if (choice.first is None or one >= choice.first) and (choice.last is None or one <= choice.last)
    ]
    return wide.reindex(months, fill_value=0).rename(columns=names(segments)).rename_axis(columns=None)


def totals(segments: pd.DataFrame, monthly: pd.DataFrame | None, choice: Choice) -> dict[str, float]:
    """Return customers of the chosen segments and, for the chosen months, their orders and revenue."""
    totals = {"customers": float(wanted(segments, choice)["size"].sum())}
    if monthly is not None:
        for measure in ("orders", "revenue"):
            totals[measure] = float(by_month(monthly, segments, choice, measure).to_numpy().sum())
    return totals


def movement(runs: pd.DataFrame, dataset: str) -> str | None:
    """Return the id of the newest run of ``seg migrate`` of a data set; None where there is none."""
    migrations = runs[(runs["kind"] == "migrate") & (runs["dataset"] == dataset)]
    if migrations.empty:
        return None
    made_at = pd.to_datetime(migrations["made_at"], utc=True)
    return str(migrations.loc[made_at.idxmax(), "run_id"])


def moves(table: pd.DataFrame) -> pd.DataFrame:
    """Return customers who moved from each segment (rows) to each (columns)."""
    wide = table.pivot_table(
        index="from_segment",
        columns="to_segment",
        values="customers",
        aggfunc="sum",
        fill_value=0,
        sort=False,
    )
    return wide.rename_axis(index="from", columns=None)


def value_days(customers: pd.DataFrame | None) -> int | None:
    """Return the days that the value at stake is counted over, the same as in the report; None without an outlook."""
    if customers is None or "usual_spend" not in customers:
        return None
    matches = [PROBABILITY.fullmatch(str(name)) for name in customers]
    return stake_days([int(match[1]) for match in matches if match])


def at_stake(customers: pd.DataFrame, segments: pd.DataFrame, choice: Choice) -> pd.Series | None:
    """Return the value at stake of each chosen segment, by name; None where the run has no outlook.

    The value at stake of a customer is the spend to expect at the rate so far, times the probability not to buy in that time.
    """
    days = value_days(customers)
    if days is None:
        return None
    rows = chosen(customers, segments, choice)
    value = rows["usual_spend"] * (1 - rows[f"probability_{days}"])
    return value.groupby(rows["segment"]).sum().rename(names(segments))


def listed_customers(customers: pd.DataFrame, segments: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """Return the list of the chosen customers, those who bring most revenue first."""
    rows = chosen(customers, segments, choice).drop(columns=["run_id", "segment_key"], errors="ignore")
    order = ["revenue"] if "revenue" in rows else ["segment", "customer_id"]
    return rows.sort_values(order, ascending=order != ["revenue"], kind="stable", ignore_index=True)
