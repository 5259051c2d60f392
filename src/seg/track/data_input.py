"""The data of a run as MLflow's list of data sets shows them: where they come from, their columns, and their size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pandas as pd

MOST_FILES = 20


def described(
    files: Sequence[str], features: pd.DataFrame, profile: Mapping[str, object]
) -> tuple[str, str, str]:
    """Write source, schema and profile as the JSON that MLflow keeps.

    Parameters
    ----------
    files : sequence of str
        Where the rows come from; empty for generated data.
    features : DataFrame of shape (n_customers, n_features)
        Columns that the model is fitted on.
    profile : mapping
        Counts, such as rows and customers.

    Returns
    -------
    source, schema, profile : str
    """
    source = {"uri": ", ".join(files[:MOST_FILES])} if files else {}
    columns = [{"type": "double", "name": str(name), "required": True} for name in features.columns]
    return json.dumps(source), json.dumps({"mlflow_colspec": columns}), json.dumps(dict(profile))
