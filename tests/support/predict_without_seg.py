"""Predict with a model of a store where seg is not installed: the store, the run and a table in, segments as JSON out."""

import json
import sys


class Absent:
    """Refuse every import of seg."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "seg":
            raise ImportError("seg is not here")


for name in [name for name in sys.modules if name.split(".")[0] == "seg"]:
    del sys.modules[name]
sys.meta_path.insert(0, Absent())

import mlflow  # noqa: E402
import pandas as pd  # noqa: E402

uri, run_id, path = sys.argv[1:]
mlflow.set_tracking_uri(uri)
model = mlflow.pyfunc.load_model(f"runs:/{run_id}/model")
table = pd.read_parquet(path)
batch = model.predict(table)["segment"].tolist()
singly = [model.predict(table.iloc[[row]])["segment"].tolist()[0] for row in range(0, len(table), 97)]
print(
    json.dumps(
        [
            batch,
            singly,
            model.metadata.signature.inputs.input_names(),
            model.input_example is not None,
        ]
    )
)
