"""All customers on Spark, and the sample of them that is here."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from ibis.expr import types as ir

from seg import features
from seg.config.parts import Parts
from seg.config.settings import Preparation
from seg.errors import Note
from seg.features import FeatureTable
from seg.metrics import guards
from seg.metrics.silhouette import Sampling
from seg.models import space as scaled
from seg.models.mllib.estimators import FEATURES
from seg.pipeline.distributed import aggregates
from seg.pipeline.distributed import spark_checks as table
from seg.pipeline.distributed import spark_space as space
from seg.preparation.prepare import requested


@dataclass(frozen=True)
class Customers:
    """All customers on Spark, and the sample of them that is here.

    Parameters
    ----------
    count, distinct, commonest : int
        Customers; distinct points of the scaled space among them; customers at the commonest point.
    points : pyspark.sql.DataFrame
        One row a customer: the features as they are, and scaled.
    space : Space
        From features to scaled features.
    table : FeatureTable
        Of the sample.
    X : ndarray of shape (n_sampled, n_features)
        Scaled features of the sample.
    ends : DataFrame, index ``least`` and ``greatest``
        Of each feature over all customers.
    still : list of str
        Features that have one value after transforms and scaling.
    collect : callable
        Brings a DataFrame of Spark here: an aggregate, or the sample.
    sampling : Sampling
        How the sample was drawn, and what random draws start from.
    notes : tuple of (level, text)
    """

    count: int
    distinct: int
    commonest: int
    points: object
    space: space.Space
    table: FeatureTable
    X: np.ndarray
    ends: pd.DataFrame
    still: list[str]
    collect: space.Collect
    sampling: Sampling
    notes: tuple[Note, ...] = ()

    @property
    def raw(self):
        """All customers with their features as they are, and the planted segment where it is known."""
        kept = [name for name in self.points.columns if name not in (space.X, FEATURES, aggregates.WORTH)]
        return self.points.select(*[space.quoted(name) for name in kept])

    @property
    def columns(self) -> list[str]:
        """Features to cluster on and to describe with."""
        return [*self.table.features, *self.table.profile]

    @property
    def sampled(self) -> str:
        """Return a description of the sample; empty where it is everyone."""
        n_sampled = len(self.table.frame)
        return "" if n_sampled == self.count else f"a sample of {n_sampled:,} of the {self.count:,} customers"


def prepare(settings: Preparation, parts: Parts, engine, clean: ir.Table, sampling: Sampling) -> Customers:
    """Compute the features of every customer, scale them, and collect a sample.

    Parameters
    ----------
    settings : Preparation
        Data set and recipe are used.
    parts : Parts
    engine : SparkEngine
    clean : ir.Table
        Transactions or customers after cleaning.
    sampling : Sampling

    Raises
    ------
    SegError
        A feature is not a number for someone, or nothing tells customers apart.
    """
    plan = features.plan(engine, clean, requested(settings))

    collect = engine.fetch
    columns, planted = [*plan.features, *plan.profile], ["_truth"] if settings.dataset.truth else []
    frame, count = table.prepared(engine.frame(plan.customers), columns, planted, collect)
    sampled = table.sample(frame, sampling.size, collect).set_index(space.CUSTOMER)
    truth = sampled.pop("_truth") if planted else None
    ends = aggregates.ends(frame, columns, collect)
    notes = scaled.check_varied({name: ends[name].nunique() == 1 for name in plan.features}, count)
    learned = space.fit(frame, plan.features, plan.transforms, parts.scaler, sampled, collect)
    points = aggregates.with_worth(
        learned.points(frame), "revenue" if "revenue" in columns else None
    ).persist()
    distinct, commonest, bounds = aggregates.points(points, plan.features, collect)
    frame.unpersist()
    scaled.check_finite(plan.features, np.isfinite(bounds).all(axis=0))
    sample = plan.computed(sampled, truth)
    X = np.asarray(learned.pipeline.transform(sampled[plan.features]), dtype="float64")
    still = [name for name in plan.features if guards.stands_still(bounds[name].to_numpy())]
    return Customers(
        count, distinct, commonest, points, learned, sample, X, ends, still, collect, sampling, tuple(notes)
    )


def in_memory(parts: Parts) -> Parts:
    """Return the parts that refit the sample: scikit-learn's clusterer and scaler of the same kind."""
    scaler = parts.scaler.in_memory() if hasattr(parts.scaler, "in_memory") else parts.scaler
    return replace(parts, scaler=scaler, make_clusterer=lambda k: parts.make_clusterer(k).in_memory())
