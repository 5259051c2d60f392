"""The segmentations of many groups as one: tables over groups, segments and customers."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from seg.errors import Note
from seg.evaluation.evidence import Evidence
from seg.features import FeatureTable
from seg.pipeline.population import InMemory
from seg.pipeline.result import Result
from seg.preparation.customer_groups import COMMON
from seg.preparation.prepare import Prepared
from seg.segments import profile
from seg.sources.locate import Source

NOISE = -1


@dataclass(frozen=True)
class GroupModel:
    """The segmentation of one group.

    Parameters
    ----------
    name : str
        Of the group; `COMMON` for the model of small groups.
    result : Result
        Of the customers it was fitted on: those of the group, or everyone for the common model.
    first : int
        Number of its first segment among the segments of all groups.
    """

    name: str
    result: Result
    first: int

    def numbered(self, segments: np.ndarray | pd.Series) -> np.ndarray:
        """Return the numbers of segments among those of all groups; noise stays -1."""
        own = np.asarray(segments)
        return np.where(own == NOISE, NOISE, own + self.first)


@dataclass(frozen=True)
class Grouped:
    """The segmentations of all groups, with what a run needs to write and track them.

    Parameters
    ----------
    by : str
        Column of the groups.
    prepared : Prepared
        All customers, with the group of each.
    models : tuple of GroupModel
        The common one last.
    source : Source
    fingerprint : str
        Of the data.
    notes : list of (level, text)
    """

    by: str
    prepared: Prepared
    models: tuple[GroupModel, ...]
    source: Source
    fingerprint: str
    notes: list[Note]
    published: None = None
    outlook: None = None
    votes: None = None
    rejects: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def table(self) -> FeatureTable:
        """Return the features of all customers."""
        return self.prepared.table

    @property
    def ledger(self) -> pd.DataFrame:
        """Return rows, customers and revenue after each cleaning step."""
        return self.prepared.ledger

    @property
    def value(self) -> str | None:
        """Return the column that says what a customer is worth, such as the revenue."""
        return self.common.result.segments.attrs.get("value")

    @property
    def common(self) -> GroupModel:
        """Return the model of small groups."""
        return self.models[-1]

    @property
    def scan(self):
        """Return the scan over k of the common model."""
        return self.common.result.scan

    @property
    def population(self) -> InMemory:
        """Return all customers."""
        return InMemory(self.table.frame[[*self.table.features, *self.table.profile]])

    @property
    def customers(self) -> int:
        """Return the number of all customers."""
        return len(self.table.frame)

    @property
    def k(self) -> int:
        """Return the number of segments of all groups that have a customer."""
        return int((self.segments["segment"] >= 0).sum())

    @property
    def k_reason(self) -> str:
        """Return how the segments were made."""
        return f"{len(self.models) - 1} models by {self.by}, and a common one"

    @functools.cached_property
    def evidence(self) -> Evidence:
        """Return the reasons not to trust models, each with its group."""
        flags = [f"{one.name}: {reason}" for one in self.models for reason in one.result.evidence.flags]
        return Evidence(flags=flags)

    @functools.cached_property
    def routed(self) -> pd.Series:
        """Return the name of the model of each customer."""
        own = [one.name for one in self.models[:-1]]
        return self.prepared.groups.where(self.prepared.groups.isin(own), COMMON).rename("model")

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """Return the segment of each customer, numbered through, in the order of the feature table."""
        labels = np.empty(self.customers, dtype="int64")
        for model, chosen in self.members():
            own = model.result.labels if model.name != COMMON else model.result.labels[chosen]
            labels[chosen] = model.numbered(own)
        return labels

    def members(self) -> list[tuple[GroupModel, np.ndarray]]:
        """Return each model with the places of its customers in the feature table."""
        places = self.routed.reset_index(drop=True).groupby(self.routed.to_numpy()).indices
        return [(one, places.get(one.name, np.empty(0, dtype="int64"))) for one in self.models]

    @functools.cached_property
    def segments(self) -> pd.DataFrame:
        """Return one row a segment of each model: as for one model, with ``model``, ``segment_of_model`` and shares of the model.

        ``share`` and ``revenue_share`` are of all customers. Customers in no segment are one row for all models.
        """
        parts = [self._profiled(model, chosen) for model, chosen in self.members() if len(chosen)]
        rows = pd.concat([one[one["segment"] >= 0] for one in parts], ignore_index=True)
        noise = pd.concat([one[one["segment"] < 0] for one in parts])
        if len(noise):
            sums = noise[["size", "share", "revenue_share"]].sum()
            rows.loc[len(rows)] = {"segment": NOISE, "model": "", "name": "noise", **sums}
        return rows.astype({"segment": "int64", "size": "int64"})

    def _profiled(self, model: GroupModel, chosen: np.ndarray) -> pd.DataFrame:
        segments = model.result.segments
        if model.name == COMMON:
            segments = self._of_the_routed(model, chosen)
        share = len(chosen) / self.customers
        money = self.revenue_share(chosen)
        front = {"segment": model.numbered(segments["segment"]), "model": model.name}
        shares = {
            "share": segments["share"] * share,
            "revenue_share": segments["revenue_share"] * money,
            "share_of_model": segments["share"],
            "revenue_share_of_model": segments["revenue_share"],
        }
        table = segments.assign(segment_of_model=segments["segment"], **front, **shares)
        first = ["segment", "model", "segment_of_model", "name", "size", "share", "revenue_share"]
        return table[[*first, *table.columns.difference(first, sort=False)]]

    def _of_the_routed(self, model: GroupModel, chosen: np.ndarray) -> pd.DataFrame:
        """Profile the customers of small groups; the common model was fitted on everyone."""
        frame, labels = self.table.frame.iloc[chosen], model.result.labels[chosen]
        names = dict(zip(model.result.segments["segment"], model.result.segments["name"], strict=True))
        columns = [*self.table.features, *self.table.profile]
        return profile.profile(frame, labels, names, columns, self.value)

    def revenue_share(self, chosen: np.ndarray) -> float:
        """Return the share of some customers in the value of all, such as the revenue; NaN without one."""
        if self.value is None:
            return np.nan
        revenue = self.table.frame[self.value].to_numpy()
        return float(revenue[chosen].sum() / revenue.sum()) if revenue.sum() else np.nan

    @functools.cached_property
    def groups(self) -> pd.DataFrame:
        """Return one row a group: customers, shares, its model, number of segments, silhouette and flags."""
        own = {one.name: one for one in self.models}
        frame = self.table.frame.assign(_group=self.prepared.groups.fillna("").to_numpy())
        sizes = frame.groupby("_group").size()
        money = sizes * np.nan if self.value is None else frame.groupby("_group")[self.value].sum()
        rows = []
        for name in sizes.index:
            model = own.get(name, self.common)
            metrics, result = model.result.metrics, model.result
            rows.append(
                {
                    "group": name, "customers": int(sizes[name]), "share": sizes[name] / self.customers,
                    "revenue": money[name], "revenue_share": money[name] / money.sum() if money.sum() else np.nan,
                    "model": model.name, "segments": int(result.k), "k_reason": result.k_reason,
                    "common_silhouette": metrics.get("common/silhouette", np.nan),
                    "own_silhouette": metrics.get("own/silhouette", np.nan),
                    "flagged": "; ".join(result.evidence.flags) or "no",
                }
            )  # fmt: skip
        order = ["revenue", "customers"]
        return pd.DataFrame(rows).sort_values(order, ascending=False, kind="stable", ignore_index=True)

    @property
    def k_scan(self) -> pd.DataFrame:
        """Return one row a model and number of segments that was tried."""
        return pd.concat(
            [one.result.scan.table.assign(model=one.name) for one in self.models], ignore_index=True
        )

    @property
    def metrics(self) -> dict[str, float]:
        """Return figures of all groups together."""
        own = self.groups[self.groups["model"] != COMMON]
        weighted = float((own["common_silhouette"] * own["customers"]).sum() / own["customers"].sum())
        return {
            "groups/count": float(len(self.groups)),
            "groups/models": float(len(self.models) - 1),
            "groups/customers_common": float((self.routed == COMMON).sum()),
            "groups/flagged": float((own["flagged"] != "no").sum()),
            "groups/common_silhouette": weighted,
            "segments/count": float(self.k),
        }
