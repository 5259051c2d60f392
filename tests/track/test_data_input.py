"""Data sets in MLflow: where they come from, their columns, and their size."""

from __future__ import annotations

import json

import pandas as pd
from mlflow.types import Schema

from seg.track import data_input


def test_the_schema_is_one_that_mlflow_reads():
    features = pd.DataFrame({"orders": [1.0], "revenue": [2.0]})
    source, schema, profile = data_input.described(["/data/orders.csv"], features, {"customers": 1})
    assert source == '{"uri": "/data/orders.csv"}' and profile == '{"customers": 1}'

    read = Schema.from_json(json.dumps(json.loads(schema)["mlflow_colspec"]))
    assert read.input_names() == ["orders", "revenue"]


def test_generated_data_have_no_source():
    assert data_input.described([], pd.DataFrame({"orders": [1.0]}), {})[0] == "{}"
