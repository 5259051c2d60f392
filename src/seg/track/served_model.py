"""The model as MLflow serves it: a row of features in; segment, name, distance or probability, and the reason for none out.

It is pickled with the classes it needs (MLflow's own form, which runs code when it loads), so that it answers where seg is not
installed. Scoring with seg reads the file `model.skops` beside it instead, which runs no code.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.pyfunc import PythonModel
from mlflow.types.schema import ColSpec, Schema

# What is missing is an answer, no error of the server.
COLUMNS = {
    "segment": "long", "name": "string", "distance": "double", "probability": "double", "outside": "boolean",
    "outside_features": "string", "reason": "string",
}  # fmt: skip


def signature(features: Sequence[str], by: str | None = None) -> ModelSignature:
    """Return the signature of the model: numbers in, each of which may be missing, and the group; `COLUMNS` out."""
    texts = [ColSpec("string", by, required=False)] if by else []
    inputs = Schema([*(ColSpec("double", name, required=False) for name in features), *texts])
    return ModelSignature(
        inputs, Schema([ColSpec(kind, name, required=False) for name, kind in COLUMNS.items()])
    )


class ServedModel(PythonModel):
    """Answer rows of features.

    Parameters
    ----------
    placement : seg.models.placement.Placement
    """

    def __init__(self, placement):
        self.placement = placement

    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Return one row for each row of features; a feature that is missing or no number is named in ``reason``.

        Parameters
        ----------
        context : PythonModelContext
            From MLflow; not used.
        model_input : DataFrame
            Features, by name or, where no name is known, in the order of training.
        params : dict, optional
            From MLflow; not used.

        Returns
        -------
        DataFrame
            Columns `COLUMNS`; None where nothing is known.
        """
        frame = model_input if isinstance(model_input, pd.DataFrame) else pd.DataFrame(model_input)
        features = self.placement.features
        if frame.shape[1] == 0:  # MLflow drops columns of other names, and the rows with them
            raise MlflowException.invalid_parameter_value(
                f"the input has none of the columns {', '.join(features)}; expected rows whose values have these names"
            )
        if set(frame.columns).isdisjoint(features) and frame.shape[1] == len(features):
            frame = frame.set_axis(features, axis=1)
        numbers = {
            name: pd.to_numeric(frame[name], errors="coerce")
            if name in frame
            else np.full(len(frame), np.nan)
            for name in features
        }
        X = pd.DataFrame(numbers, index=frame.index).astype("float64")
        by = getattr(self.placement, "by", None)
        if by:  # one model a group
            X[by] = frame.get(by)
        answer = self.placement.place(X)
        # Plain objects: None where nothing is known, in JSON and in Spark alike.
        plain = {
            name: answer[name].astype(object).where(answer[name].notna(), None)
            if name in answer
            else pd.Series([None] * len(X), index=X.index, dtype=object)
            for name in COLUMNS
        }
        return pd.DataFrame(plain).astype({"outside": bool})
