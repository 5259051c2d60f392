"""What is said of all customers, segment by segment, in a few rows that Spark computes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.pipeline.distributed.spark_space import Collect, X, quoted

WORTH = "_worth"
MEDIANS = 4  # features a pass: an exact median keeps every distinct value of a feature in memory


@dataclass(frozen=True)
class Summary:
    """Customers in their own units, segment by segment.

    Parameters
    ----------
    sizes : Series
        By segment.
    sums, means, medians, variances : DataFrame
        One row a segment, one column a feature; variances are divided by the count.
    """

    sizes: pd.Series
    sums: pd.DataFrame
    means: pd.DataFrame
    medians: pd.DataFrame
    variances: pd.DataFrame

    @property
    def overall(self) -> pd.Series:
        """Mean of all customers."""
        return self.sums.sum() / self.sizes.sum()

    def explained(self, features: Sequence[str]) -> dict[str, float]:
        """Share of the variance of each feature that lies between segments, eta squared; NaN where nothing varies."""
        shares = {}
        for name in features:
            means = self.means[name] - self.overall[name]
            between = float((self.sizes * means**2).sum())
            within = float((self.sizes * self.variances[name]).sum())
            shares[name] = between / (between + within) if between + within > 0 else np.nan
        return shares


def summary(labelled, segment: str, columns: Sequence[str], collect: Collect) -> Summary:
    """Summarise the named columns of a DataFrame for each segment; medians are exact.

    Parameters
    ----------
    labelled : pyspark.sql.DataFrame
    segment : str
        Column with the number of the segment.
    columns : sequence of str
        Numeric columns.
    collect : callable
        From a DataFrame of Spark to one of pandas.

    Returns
    -------
    Summary
    """
    from pyspark.sql import functions as F

    wanted = [F.count(F.lit(1)).alias("n")]
    for place, name in enumerate(columns):
        column = F.col(quoted(name))
        wanted += [F.sum(column).alias(f"sum_{place}"), F.avg(column).alias(f"mean_{place}")]
        wanted += [F.var_pop(column).alias(f"variance_{place}")]
    by_segment = collect(labelled.groupBy(segment).agg(*wanted)).set_index(segment).sort_index()
    medians = []
    for start in range(0, len(columns), MEDIANS):
        some = columns[start : start + MEDIANS]
        middles = [
            F.percentile(F.col(quoted(name)), F.lit(0.5)).alias(f"median_{place}")
            for place, name in enumerate(some)
        ]
        medians.append(collect(labelled.groupBy(segment).agg(*middles)).set_index(segment).sort_index())
    parts = {
        what: by_segment[[f"{what}_{place}" for place in range(len(columns))]]
        for what in ("sum", "mean", "variance")
    }
    parts["median"] = pd.concat(medians, axis=1)
    tables = {what: part.set_axis(list(columns), axis=1).astype("float64") for what, part in parts.items()}
    return Summary(by_segment["n"], tables["sum"], tables["mean"], tables["median"], tables["variance"])


def contingency(labelled, segment: str, truth: str, collect: Collect) -> np.ndarray:
    """Count the customers of each pair of a segment and a planted segment.

    Parameters
    ----------
    labelled : pyspark.sql.DataFrame
    segment, truth : str
        Its two columns of labels.
    collect : callable
        From a DataFrame of Spark to one of pandas.

    Returns
    -------
    ndarray of shape (n_segments, n_planted)
    """
    counted = collect(labelled.groupBy(segment, truth).count())
    return counted.pivot(index=segment, columns=truth, values="count").fillna(0).to_numpy()


def with_worth(points, revenue: str | None):
    """Add what segments are ordered by: revenue, or the first scaled feature where there is none."""
    from pyspark.sql import functions as F

    return points.withColumn(WORTH, F.col(X)[0] if revenue is None else F.col(quoted(revenue)))


def ends(frame, columns: Sequence[str], collect: Collect) -> pd.DataFrame:
    """Return the least and the greatest value of each column, index ``least`` and ``greatest``.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
    columns : sequence of str
        Numeric columns.
    collect : callable
        From a DataFrame of Spark to one of pandas.

    Returns
    -------
    DataFrame of shape (2, n_columns)
    """
    row = collect(frame.agg(*_both_ends(map(quoted, columns)))).iloc[0]
    return pd.DataFrame(_bounds(row, columns), index=["least", "greatest"])


def _both_ends(columns: Iterable[str]) -> list:
    """Return the aggregates of the least and the greatest value of each column."""
    from pyspark.sql import functions as F

    return [
        end(column).alias(f"{end.__name__}_{place}")
        for place, column in enumerate(columns)
        for end in (F.min, F.max)
    ]


def _bounds(row: pd.Series, names: Sequence[str]) -> dict[str, list[float]]:
    """Return by name what `_both_ends` has computed."""
    return {
        name: [float(row[f"{end}_{place}"]) for end in ("min", "max")] for place, name in enumerate(names)
    }


def points(frame, features: Sequence[str], collect: Collect) -> tuple[int, int, pd.DataFrame]:
    """Count distinct scaled points and customers at the commonest one; return them with the ends of each scaled feature.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        With the scaled features as the array `X`.
    features : sequence of str
        Their names.
    collect : callable
        From a DataFrame of Spark to one of pandas.

    Returns
    -------
    distinct, commonest : int
    ends : DataFrame of shape (2, n_features)
        Least and greatest value.
    """
    from pyspark.sql import functions as F

    # Zero has two signs, which are one point.
    columns = [f"x_{place}" for place in range(len(features))]
    named = [(F.col(X)[place] + F.lit(0.0)).alias(column) for place, column in enumerate(columns)]
    counted = frame.select(*named).groupBy(columns).count()
    counts = F.count(F.lit(1)).alias("kinds"), F.max("count").alias("most")
    row = collect(counted.agg(*counts, *_both_ends(columns))).iloc[0]
    return int(row["kinds"]), int(row["most"]), pd.DataFrame(_bounds(row, features))
