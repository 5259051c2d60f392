"""What an analyst writes today: FLO to RFM, k-means for k = 2..10, elbow, silhouette, MLflow. The yardstick of speed.py.

python bench/bare_script.py path/to/flo_data_20k.csv path/to/an/empty/folder
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: TID251 - it is what such scripts use
import mlflow
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

path, folder = Path(sys.argv[1]), Path(sys.argv[2])
mlflow.set_tracking_uri(f"sqlite:///{folder.resolve()}/mlflow.db")
if mlflow.get_experiment_by_name("bare") is None:
    mlflow.create_experiment("bare", artifact_location=str(folder.resolve() / "artifacts"))
mlflow.set_experiment("bare")

flo = pd.read_csv(path, parse_dates=["first_order_date", "last_order_date"])
as_of = flo["last_order_date"].max() + pd.Timedelta(days=1)
rfm = pd.DataFrame(
    {
        "recency_days": (as_of - flo["last_order_date"]).dt.days.astype(float),
        "orders": flo["order_num_total_ever_online"] + flo["order_num_total_ever_offline"],
        "revenue": flo["customer_value_total_ever_online"] + flo["customer_value_total_ever_offline"],
    }
)
logged = rfm.assign(orders=np.log1p(rfm["orders"]), revenue=np.log1p(rfm["revenue"]))
X = StandardScaler().fit_transform(logged)

with mlflow.start_run():
    inertia, silhouette = [], []
    for k in range(2, 11):
        model = KMeans(k, n_init=10, random_state=0).fit(X)
        inertia.append(model.inertia_)
        silhouette.append(silhouette_score(X, model.labels_))
        mlflow.log_metric("inertia", inertia[-1], step=k)
        mlflow.log_metric("silhouette", silhouette[-1], step=k)
    for name, values in (("elbow", inertia), ("silhouette", silhouette)):
        figure = plt.figure()
        plt.plot(range(2, 11), values, marker="o")
        plt.xlabel("k")
        plt.ylabel(name)
        mlflow.log_figure(figure, f"{name}.png")
    final = make_pipeline(
        FunctionTransformer(np.log1p), StandardScaler(), KMeans(4, n_init=10, random_state=0)
    ).fit(rfm)
    mlflow.log_params({"k": 4})
    mlflow.sklearn.log_model(
        final, name="model", input_example=rfm.head(3), serialization_format="cloudpickle"
    )
print(dict(zip(range(2, 11), np.round(silhouette, 4).tolist(), strict=True)))
