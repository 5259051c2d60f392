"""What every process does once before its first run, done once for all commands that tests fork: see `command_line`.

Fonts are found, numba learns the types and functions that it compiles, configuration and tables of the store become classes, the
source of seg is hashed: two of five seconds of a small run. An empty store is kept as `STORE`, since MLflow takes most of a second to make one. Nothing here
starts a thread or OpenMP, whose state a fork would not survive.
"""

import atexit
import gc
import logging
import tempfile
from pathlib import Path

import ibis
import mlflow
import pandas as pd
from numba.core.registry import cpu_target

import prepared_picture
import read_once
import seg.pipeline.flow
import seg.report.run_directory
import seg.run  # noqa: F401
from seg.config import compose, load
from seg.pipeline import keys
from seg.report import page, plots
from seg.segments import formats

SCAN = pd.DataFrame({"k": [2, 3], "inertia": [2.0, 1.0], "silhouette": 0.5, "silhouette_sq": 0.5}).assign(
    silhouette_se=0.0, silhouette_n=9
)

plots.png(plots.elbow(SCAN, 2))
prepared_picture.picture()
page.template("report/run_page.html.jinja", formats.ENGLISH)
ibis.to_sql(
    ibis.table({"k": "int64"}, name="scan").group_by("k").aggregate(n=ibis._.count()), dialect="duckdb"
)
cpu_target.typing_context.refresh()
cpu_target.target_context.refresh()
load.prepare_environment()
read_once.install()
compose.instantiate_parts(compose.compose(["dataset=toy"]))
keys.code()
logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
with tempfile.TemporaryDirectory() as folder:
    mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db").search_experiments()
    STORE = Path(folder, "mlflow.db").read_bytes()
# What is here by now stays: no command has to look through it for garbage.
gc.collect()
gc.freeze()
atexit.register(gc.unfreeze)  # or DuckDB takes it for a leak when the server ends
