"""The same segments on Spark: raw orders through its engine, a large table through MLflow's UDF."""

import pandas as pd
import pytest
from test_scoring import ORDERS, registered, scored, train  # noqa: F401 - registered is a fixture

import small_spark

pytestmark = pytest.mark.spark


def test_raw_orders_scored_on_spark_get_the_segments_of_the_embedded_engine(tmp_path):
    folder, result = train(tmp_path / "model", "dataset=transactions", "k=4")
    found = scored(folder, ORDERS, tmp_path, *small_spark.OVERRIDES)
    assert found.loc[result.table.frame.index, "segment"].tolist() == result.labels.tolist()


ANSWER = "struct<segment:long,name:string,distance:double,probability:double,outside:boolean,outside_features:string,reason:string>"


def test_the_udf_of_mlflow_scores_a_spark_table_the_same(registered, spark, tmp_path, monkeypatch):  # noqa: F811
    import mlflow
    from pyspark.sql import functions

    from seg.score import scorer as scoring
    from seg.track import find_model

    uri, _, _ = registered
    rows = pd.DataFrame(
        {
            "recency_days": [3.0, 300.0, 40.0, None] * 50,
            "orders": [30.0, 1.0, 4.0, 2.0] * 50,
            "revenue": [5000.5, 20.0, 300.0, 10.0] * 50,
        }
    )
    rows.rename_axis("row").reset_index().to_parquet(tmp_path / "rows.parquet")
    scorer = scoring.load(find_model.find("models:/seg-toy@champion", uri, tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    place = mlflow.pyfunc.spark_udf(
        spark.session,
        "models:/seg-toy@champion",
        result_type=ANSWER,
        env_manager="local",
        params={"fill": True},
    )
    table = spark.session.read.parquet(str(tmp_path / "rows.parquet"))
    found = (
        table.withColumn("answer", place(functions.struct(*scorer.features)))
        .select("row", "answer.segment", "answer.reason", "answer.outside_features")
        .orderBy("row")
        .toPandas()
    )
    expected = scorer.place(rows)
    assert found["segment"].tolist() == expected["segment"].fillna(-1).astype(int).tolist()
    assert found["segment"].nunique() > 2
    assert found["reason"].tolist() == expected["reason"].fillna("").tolist()
    assert found["outside_features"].tolist() == expected["outside_features"].fillna("").tolist()
