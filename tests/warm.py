"""What every process does once before its first run, done once for all commands that tests fork: see `command_line`.

Fonts are found, MLflow maps every installed module to its package, configuration classes are made: a second a command. Nothing
here starts a thread or OpenMP, whose state a fork would not survive.
"""

import tempfile

import mlflow.sklearn
import pandas as pd
from sklearn.dummy import DummyClassifier

import seg.flow
import seg.outputs
import seg.run  # noqa: F401
from seg import plots

SCAN = pd.DataFrame({"k": [2, 3], "inertia": [2.0, 1.0], "silhouette": 0.5, "silhouette_sq": 0.5}).assign(
    silhouette_se=0.0, silhouette_n=9
)

plots.png(plots.elbow(SCAN, 2))
with tempfile.TemporaryDirectory() as folder:
    model = DummyClassifier().fit(SCAN[["k"]], [0, 1])
    mlflow.sklearn.save_model(
        model, f"{folder}/model", serialization_format="cloudpickle", pip_requirements=["numpy"]
    )
