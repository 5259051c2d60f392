"""From runs to attempts that may be compared: which customers, which are the same attempt, which seeds belong together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from seg.metrics.null_result import KINDS
from seg.segments.naming import NOISE_NAME

PARTS = ("dataset", "cleaning", "recipe", "scaler", "model", "engine")
# Only runs that agree in all four can stand in one list: the same customers at the same points of the common space.
TOGETHER = ["dataset", "data", "fingerprint", "points"]
NULL = tuple(f"null/{kind}_p" for kind in KINDS)
EVIDENCE = ("stability/jaccard_min", *NULL, "holdout/auc")
SCORE = "common/silhouette"
EXPLAINED = ("holdout/deviance_explained", "holdout/deviance_explained_se", "holdout/over_rule_rfm_high")


@dataclass(frozen=True)
class Group:
    """Runs on the same customers.

    Parameters
    ----------
    dataset, data, fingerprint, points : str
        `data` is "real", "sample" or "generated"; `points` stands for the customers in the common space.
    customers : int
    cleaning, as_of : str
        All of them, where runs differ in what makes no difference to the common space.
    attempts : DataFrame
        One row a configuration and k that is not flagged, with `seeds`, `seeds_flagged`, and the mean, least and
        largest common silhouette over the seeds as `seeds_mean`, `seeds_min`, `seeds_max`.
    flagged : DataFrame
        One row a flagged run.
    every : DataFrame
        All runs, each configuration, k and seed once.
    repeated : int
        Runs left out, because the same configuration was run with the same seed again.
    """

    dataset: str
    data: str
    fingerprint: str
    points: str
    customers: int
    cleaning: str
    as_of: str
    attempts: pd.DataFrame
    flagged: pd.DataFrame
    every: pd.DataFrame
    repeated: int

    @property
    def known(self) -> str:
        """Describe on which customers the runs are, in a few words."""
        kind = {"real": "", "sample": "SAMPLE DATA, "}.get(self.data, f"{self.data} data, ")
        until = f", as of {self.as_of}" if self.as_of else ""
        # Two lists may agree in all names where the code that counts has changed in between.
        points = f", points {self.points[:6]}" if "|" not in self.points else ""
        return f"{kind}{self.customers:,} customers, cleaning {self.cleaning}{until}, data {self.fingerprint[:8]}{points}"


def tidy(runs: pd.DataFrame) -> pd.DataFrame:
    """Rename the columns of runs, and drop runs that segmented nothing.

    Parameters
    ----------
    runs : DataFrame
        As `seg.track.read.runs` gives it.

    Returns
    -------
    DataFrame
        Parts by their names, `k`, `seed`, `flags` (the reasons, empty where there are none), `points`, `configuration`,
        `space`, `holdout` (its cut), `options` (what was overridden), and metrics by their own names.

    Notes
    -----
    A run without the tags of `seg.pipeline.keys` is known by the names of its parts and the number of its customers only.
    """
    parents = set(runs.get("parent", pd.Series(dtype=object)).dropna())
    rows = runs[runs.get("params.k", pd.Series(index=runs.index, dtype=object)).notna()]
    rows = rows[~rows["run_id"].isin(parents)]
    metrics = {name: name.removeprefix("metrics.") for name in rows.columns if name.startswith("metrics.")}
    table = rows.rename(columns=metrics)[
        ["run_id", "name", "started", "artifacts", "model", *metrics.values()]
    ].rename(columns={"model": "model_id"})
    for name in (*PARTS, "seed"):
        table[name] = _text(rows, f"params.{name}")
    table["k"] = _text(rows, "params.k").astype(int)
    for name, tag in {
        "data": "data",
        "fingerprint": "data.fingerprint",
        "as_of": "as_of",
        "segment_names": "segments",
    }.items():
        table[name] = _text(rows, f"tags.{tag}")
    table["n_segments"] = _left(table)
    flags = _text(rows, "tags.flagged")
    table["flags"] = flags.where(~flags.isin(["no", ""]), "")
    table["holdout"] = _text(rows, "tags.holdout").replace("no", "")
    table["customers"] = _number(table, "data/customers").fillna(0).astype(int)
    by_name = _joined(table, PARTS)
    table["configuration"] = _text(rows, "tags.seg.configuration").where(lambda tag: tag != "", by_name)
    spaces = _joined(table, ("dataset", "cleaning", "recipe", "scaler"))
    table["space"] = _text(rows, "tags.seg.space").where(lambda tag: tag != "", spaces)
    customers = table["cleaning"] + "|" + table["as_of"] + "|" + table["customers"].astype(str)
    table["points"] = _text(rows, "tags.seg.points").where(lambda tag: tag != "", customers)
    table["overrides"] = [json.loads(text) if text else None for text in _text(rows, "tags.seg.overrides")]
    table["of_sweep"] = _text(rows, "tags.sweep.job") != ""
    table["options"] = [_options(overrides) for overrides in table["overrides"]]
    for name in (SCORE, *EVIDENCE, "holdout/auc_rule_rfm", "holdout/auc_random", "null/draws", *EXPLAINED):
        table[name] = _number(table, name)
    table["champion"] = False
    table["null/p"] = table[list(NULL)].max(axis=1)
    table["holdout/lift"] = table["holdout/auc"] - table["holdout/auc_rule_rfm"]
    return table.reset_index(drop=True)


def groups(table: pd.DataFrame) -> Iterator[Group]:
    """Part runs by the customers they are on: real data first, then the group with the most runs."""
    parted = sorted(
        table.groupby(TOGETHER, sort=False),
        key=lambda item: (item[0][0], item[0][1] != "real", -len(item[1]), item[0]),
    )
    for (dataset, data, fingerprint, points), runs in parted:
        newest = _known_again(runs.sort_values("started", ascending=False, kind="stable"))
        every = without_common_options(_once(newest))
        flagged = every["flags"] != ""
        yield Group(
            dataset=dataset,
            data=data,
            fingerprint=fingerprint,
            points=points,
            customers=int(newest["customers"].max()),
            cleaning=", ".join(newest["cleaning"].unique()),
            as_of=" and ".join(sorted(set(newest["as_of"]) - {"", "None"})),
            attempts=_over_seeds(every),
            flagged=every[flagged].reset_index(drop=True),
            every=every.reset_index(drop=True),
            repeated=len(runs) - len(every),
        )


def _known_again(newest: pd.DataFrame) -> pd.DataFrame:
    """Set, for runs of the same names and the same result, the configuration of the newest of them.

    A YAML that has gained a line since, which changes nothing, does not make another attempt of it.
    """
    order = {name: place for place, name in enumerate(newest["configuration"].unique())}
    same_as = {name: name for name in order}
    alike = newest.assign(options=newest["options"].map(" ".join), score=newest[SCORE].round(9))
    for _, same in alike.groupby([*PARTS, "options", "k", "seed", "score"], sort=False):
        names = sorted(same["configuration"].unique(), key=order.get)
        for name in names[1:]:
            same_as[name] = min(same_as[name], names[0], key=order.get)
    for name in order:  # the newest first, so what a name stands for is settled before it is needed
        same_as[name] = same_as[same_as[name]]
    configuration = newest["configuration"].map(same_as)
    spaces = newest.drop_duplicates("configuration").set_index("configuration")["space"]
    return newest.assign(configuration=configuration, space=configuration.map(spaces))


def _left(table: pd.DataFrame) -> pd.Series:
    """Count the segments of each run: fewer than k where the model left clusters empty; k where no names are known."""
    named = [
        sum(name != NOISE_NAME for name in names.split("; ")) if names else k
        for names, k in zip(table["segment_names"], table["k"], strict=True)
    ]
    return pd.Series(named, index=table.index).clip(upper=table["k"])


def _once(newest: pd.DataFrame) -> pd.DataFrame:
    """Keep each configuration, k and seed once: the latest run, or an equal one for which there is more evidence."""
    kept = []
    for _, same in newest.groupby(["configuration", "k", "seed"], sort=False):
        equal = same[(same[SCORE] - same[SCORE].iloc[0]).abs().fillna(0) < 1e-9]
        kept.append(equal[list(EVIDENCE)].notna().sum(axis=1).idxmax())
    champions = newest.loc[newest["champion"], ["configuration", "k", "seed"]].apply(tuple, axis=1).tolist()
    once = newest.loc[kept]
    return once.assign(
        champion=[
            key in champions for key in zip(once["configuration"], once["k"], once["seed"], strict=True)
        ]
    )


def _over_seeds(every: pd.DataFrame) -> pd.DataFrame:
    """Take one run of each configuration and k for all its seeds: the one with most evidence, of those the most usual.

    The best seed would be a lucky one, and the more seeds are tried, the luckier.
    """
    rows = []
    for _, seeds in every.groupby(["configuration", "k"], sort=False):
        sound = seeds[seeds["flags"] == ""]
        if sound.empty:
            continue
        measured = sound[list(EVIDENCE)].notna().sum(axis=1)
        candidates = sound[measured == measured.max()].sort_values("seed", key=pd.to_numeric, kind="stable")
        usual = (candidates[SCORE] - seeds[SCORE].median()).abs().fillna(0).idxmin()
        spread = {"mean": seeds[SCORE].mean(), "min": seeds[SCORE].min(), "max": seeds[SCORE].max()}
        rows.append(
            every.loc[usual].to_dict()
            | {
                "seeds": len(seeds),
                "seeds_flagged": len(seeds) - len(sound),
                "champion": seeds["champion"].any(),
            }
            | {f"seeds_{name}": value for name, value in spread.items()}
        )
    columns = [*every.columns, "seeds", "seeds_flagged", "seeds_mean", "seeds_min", "seeds_max"]
    return pd.DataFrame(rows, columns=columns)


def _options(overrides: list[str] | None) -> list[str]:
    """Return what was overridden beyond the choice of parts: two runs of the same names may differ in it."""
    plain = (*PARTS, "seed", "k", "experiment", "selection")
    return [
        text
        for text in overrides or []
        if text.partition("=")[0] not in plain and not text.startswith("selection.")
    ]


def without_common_options(runs: pd.DataFrame) -> pd.DataFrame:
    """Keep of the options those in which runs differ, as text; what all of them share tells nothing apart."""
    shared = set.intersection(*map(set, runs["options"])) if len(runs) > 1 else set()
    return runs.assign(
        options=[" ".join(text for text in options if text not in shared) for options in runs["options"]]
    )


def _joined(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    return pd.Series(
        ["|".join(row) for row in table[list(columns)].to_numpy()], index=table.index, dtype=object
    )


def _text(runs: pd.DataFrame, column: str) -> pd.Series:
    if column not in runs:
        return pd.Series("", index=runs.index, dtype=object)
    return runs[column].fillna("").astype(object)


def _number(table: pd.DataFrame, column: str) -> pd.Series:
    if column not in table:
        return pd.Series(float("nan"), index=table.index)
    return pd.to_numeric(table[column])
