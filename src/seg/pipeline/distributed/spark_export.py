"""The fitted model on Spark as one pipeline, and what executors write with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.dataset

from seg.errors import SegError
from seg.models.mllib.estimators import CLUSTER, PROBABILITY
from seg.pipeline.distributed.spark_space import CUSTOMER, Space

SEGMENT = "prediction"  # what MLflow expects the answer of a Spark model to be called
PROBES = 16  # files, so that several executors write one


def pipeline(space: Space, model, order: Sequence[int]):
    """Put transforms, scaler, clusterer and the order of segments into one `pyspark.ml.PipelineModel`.

    Parameters
    ----------
    space : Space
        Fitted transforms and scaler.
    model : pyspark.ml.Model
        The fitted clusterer.
    order : sequence of int
        Cluster of each segment: the first one is segment 0.

    Returns
    -------
    pyspark.ml.PipelineModel
    """
    from pyspark.ml import PipelineModel
    from pyspark.ml.feature import SQLTransformer

    cases = " ".join(f"WHEN {int(cluster)} THEN {segment}" for segment, cluster in enumerate(order))
    number = SQLTransformer(
        statement=f"SELECT *, CASE {CLUSTER} {cases} ELSE -1 END AS {SEGMENT} FROM __THIS__"
    )
    return PipelineModel(stages=[*space.stages, *getattr(model, "stages", [model]), number])


def nowhere(labelled) -> int:
    """Count the customers who are too far from every component of a mixture: all their probabilities are the same."""
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as F

    if PROBABILITY not in labelled.columns:
        return 0
    chances = vector_to_array(PROBABILITY)
    return labelled.where(F.array_max(chances) == F.array_min(chances)).count()


def write(labelled, order: Sequence[int], path: Path, customers: int) -> Path:
    """Write, from the executors, the segment of each customer, and of a mixture the probabilities, as Parquet.

    Parameters
    ----------
    labelled : pyspark.sql.DataFrame
        Customers with the columns `CUSTOMER` and `SEGMENT`.
    order : sequence of int
        Cluster of each segment.
    path : Path
        Folder to write.
    customers : int
        How many must arrive.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    SegError
        What arrived is not what was computed.
    """
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as F

    columns = [F.col(CUSTOMER), F.col(SEGMENT).cast("bigint").alias("segment")]
    if PROBABILITY in labelled.columns:
        chances = vector_to_array(PROBABILITY)
        columns += [
            chances[int(cluster)].alias(f"probability_{segment}") for segment, cluster in enumerate(order)
        ]
    labelled.select(*columns).write.parquet(path.as_uri())
    written = _rows(path)
    if written != customers:
        raise SegError(
            f"{path}: executors wrote {customers:,} customers and {written:,} arrived; set engine.staging_dir to a folder that they share with this process"
        )
    for other in path.iterdir():
        if other.suffix != ".parquet":
            other.unlink()  # checksums and marks of Hadoop
    return path


def shared(session, folder: Path) -> bool:
    """Return True if files that executors write into a folder can be read by this process."""
    from pyspark.errors import PySparkException

    try:
        session.range(0, PROBES, 1, PROBES).write.parquet((folder / "probe").as_uri())
        return _rows(folder / "probe") == PROBES
    except (PySparkException, OSError):
        return False


def _rows(path: Path) -> int:
    return pyarrow.dataset.dataset(path, format="parquet").count_rows() if path.is_dir() else 0
