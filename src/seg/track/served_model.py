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
from mlflow.types.schema import ColSpec, DataType, ParamSchema, ParamSpec, Schema

# What is missing is an answer, no error of the server.
COLUMNS = {
    "segment": "long", "name": "string", "distance": "double", "probability": "double", "outside": "boolean",
    "outside_features": "string", "reason": "string",
}  # fmt: skip
# What stands for an unknown value in a column of a type that has none.
FILLED = {"long": -1, "string": "", "double": float("nan"), "boolean": False}


def signature(features: Sequence[str], by: str | None = None) -> ModelSignature:
    """Return the signature of the model: numbers in, each of which may be missing, and the group; `COLUMNS` out."""
    texts = [ColSpec("string", by, required=False)] if by else []
    inputs = Schema([*(ColSpec("double", name, required=False) for name in features), *texts])
    outputs = Schema([ColSpec(kind, name, required=False) for name, kind in COLUMNS.items()])
    return ModelSignature(inputs, outputs, ParamSchema([ParamSpec("fill", DataType.boolean, False)]))


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
            ``fill``: True puts -1, NaN or an empty text where nothing is known. MLflow's UDF for Spark needs it: it casts each
            column to the type that was asked for, and numbers and texts of NumPy have no NULL.

        Returns
        -------
        DataFrame
            Columns `COLUMNS`; None, or what ``fill`` puts in its place, where nothing is known.
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
        # Plain objects: None where nothing is known becomes null in JSON.
        unknown = FILLED if (params or {}).get("fill") else dict.fromkeys(FILLED)
        plain = {
            name: answer[name].astype(object).where(answer[name].notna(), unknown[kind])
            if name in answer
            else pd.Series([unknown[kind]] * len(X), index=X.index, dtype=object)
            for name, kind in COLUMNS.items()
        }
        return pd.DataFrame(plain).astype({"outside": bool})
