"""MLlib models: fitted, measured and written on Spark, and the same labels without a JVM."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

import small_spark
from seg.config import compose, load
from seg.errors import SegError
from seg.metrics import separation
from seg.models import saved, space
from seg.models.mllib import estimators, lloyd_passes
from seg.models.mllib.without_jvm import CenterTree, GaussianPosterior, NearestCenter
from seg.pipeline import cache, check, flow, keys
from seg.preparation import prepare
from seg.sinks import shared_files

TOY = [
    "dataset=toy",
    "dataset.customers=400",
    "k=4",
    "selection.k_range=[4]",
    "tracking=none",
    "cache.enabled=false",
    "recipe.features=[recency_days,{orders:[log1p,iqr_cap]},{revenue:[iqr_cap,log1p]}]",
]
SAMPLE = 200
# Each start and each iteration is a job of Spark or several, on few customers as on many.
FEW_JOBS = {
    "mllib_kmeans": [],
    "mllib_gmm": ["model.n_init=1", "model.max_iter=8"],
    "mllib_bisecting_kmeans": ["model.max_iter=3"],
}


def composed(*overrides: str, data=None):
    load.prepare_environment()
    cfg = compose.compose([*(TOY if data is None else data), *overrides])
    settings = load.settings(cfg)
    check.check_parts(settings)
    return settings, compose.instantiate_parts(cfg)


# ---- refused before any data is read -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "overrides, said",
    [
        (["model=mllib_kmeans"], "engine=duckdb; add engine=spark"),
        (["scaler=mllib_standard"], "works with an MLlib model only"),
        (["model=mllib_gmm", "engine=spark", "scaler=power"], "PowerTransformer is not possible with an MLlib"),
        (["model=mllib_gmm", "engine=spark", "scaler=minmax", "+scaler.clip=true"], "scaler.clip=True is not"),
        (["model=mllib_gmm", "engine=spark", "evaluation.holdout.cut=2024-01-01"], "cut: not possible with MLlib"),
        (["model=mllib_kmeans", "engine=spark", "model.n_init=0"], "model.n_init=0: expected a whole number"),
        (["model=mllib_kmeans", "engine=spark", "model.tol=-1"], "model.tol=-1: expected a number of at least 0"),
    ],
)  # fmt: skip
def test_what_an_mllib_model_cannot_do_is_said_before_any_data_is_read(overrides, said):
    with pytest.raises(SegError, match=said):
        composed(*overrides)


# ---- the small models, by hand -----------------------------------------------------------------------------


def test_a_tree_of_centres_is_gone_down_and_need_not_end_at_the_nearest_leaf():
    """Root, then 0 against 10; below 10 the leaves 4 and 16. The point 4.9 goes left to 0, though the leaf 4 is nearer."""
    tree = CenterTree(
        np.array([[5.0], [0.0], [10.0], [4.0], [16.0]]),
        np.array([[1, 2], [-1, -1], [3, 4], [-1, -1], [-1, -1]]),
        np.array([-1, 0, -1, 1, 2]),
    )
    assert tree.predict([[4.9], [5.1], [11.0], [-3.0]]).tolist() == [0, 1, 2, 0]
    assert NearestCenter(np.array([[0.0], [4.0]])).predict([[1.9], [2.1]]).tolist() == [0, 1]


def test_a_customer_far_from_every_component_has_equal_probabilities_as_in_mllib():
    model = GaussianPosterior(np.array([0.5, 0.5]), np.array([[0.0], [4.0]]), np.ones((2, 1, 1)))
    chances = model.predict_proba([[2.0], [4.0], [1e4]])
    np.testing.assert_allclose(chances[0], [0.5, 0.5])
    assert chances[1, 1] == pytest.approx(1 / (1 + np.exp(-8)))
    assert chances[2].tolist() == [0.5, 0.5] and model.predict([[1e4]]).tolist() == [0]


# ---- on Spark ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def features_file(here, tmp_path_factory) -> Path:
    """The features of the toy's customers as a table of customers, which Spark need not count again for each model."""
    path = tmp_path_factory.mktemp("features") / "toy.parquet"
    here.table.frame[here.table.features].reset_index().to_parquet(path)
    return path


@pytest.fixture(scope="module")
def spark_run(tmp_path_factory, features_file):
    """Run a segmentation on Spark, k-means from orders on, and count the rows of every table that is brought here."""
    from seg.engine.spark import SparkEngine

    done = {}
    table = [
        "dataset=customers",
        f"dataset.path={features_file}",
        "dataset.features=[recency_days,orders,revenue]",
    ]
    customers = [*table, "dataset.value=revenue", *TOY[2:]]

    def run(model: str):
        if model not in done:
            folder, collected, fetch = tmp_path_factory.mktemp("run"), [], SparkEngine.fetch

            def spy(engine, frame):
                fetched = fetch(engine, frame)
                collected.append(len(fetched))
                return fetched

            settings, parts = composed(
                *small_spark.OVERRIDES,
                f"evaluation.silhouette_sample={SAMPLE}",
                f"model={model}",
                *FEW_JOBS[model],
                data=TOY if model == "mllib_kmeans" else customers,
            )
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(SparkEngine, "fetch", spy)
                result = flow.segment(settings, parts, folder)
            done[model] = result, folder, collected
        return done[model]

    return run


@pytest.fixture(scope="module")
def here():
    """The toy data in memory, with scikit-learn's k-means."""
    settings, parts = composed(f"evaluation.silhouette_sample={10**6}")
    return flow.segment(settings, parts)


def sampled(X: np.ndarray) -> lloyd_passes.Stand:
    return lloyd_passes.Stand(X, np.ones(len(X)))


def assigned(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / shared_files.ASSIGNMENTS).set_index("customer_id").sort_index()


@pytest.mark.spark
@pytest.mark.parametrize("model", [name for name in load.choices("model") if name.startswith("mllib_")])
def test_an_mllib_model_labels_all_customers_on_spark_and_the_small_model_says_the_same(
    spark_run, here, model
):
    result, folder, collected = spark_run(model)
    labels = assigned(folder).loc[here.table.frame.index]
    features = here.table.frame[here.table.features]
    np.testing.assert_array_equal(result.pipeline.predict(features), labels["segment"])
    assert result.customers == len(labels) == len(features)
    assert max(collected) == SAMPLE == len(result.table.frame)
    assert result.metrics["segments/predict_agreement"] == 1
    assert result.segments["size"].tolist() == labels["segment"].value_counts().sort_index().tolist()
    chances = labels.filter(like="probability_").to_numpy()
    if model == "mllib_gmm":
        found = result.scan.fitted[4].memberships(result.pipeline[:-1].transform(features))
        np.testing.assert_allclose(chances, found, atol=1e-9)
    else:
        # What is split level by level may part a group early: it is not asked to find all four.
        least = 1 if model == "mllib_kmeans" else 0.7
        assert adjusted_rand_score(here.table.truth, labels["segment"]) >= least and not chances.size


@pytest.mark.spark
def test_what_aggregates_say_is_what_the_customers_in_memory_say(spark_run, here):
    """The same labels on both engines: every number that is not of the sample is the same to 1e-9."""
    result, folder, _ = spark_run("mllib_kmeans")
    np.testing.assert_array_equal(assigned(folder)["segment"], here.labels)
    sampled = ("own/silhouette", "common/", "own/weakest_border", "own/typical_border")
    for name, value in here.metrics.items():
        if name == "own/silhouette_sq" or not name.startswith(sampled):
            assert result.metrics[name] == pytest.approx(value, rel=1e-9, nan_ok=True), name
    assert result.metrics["own/silhouette_sq"] == pytest.approx(
        separation.silhouette_squared(here.X, here.labels), rel=1e-9
    )
    columns = [name for name in here.segments if "silhouette" not in name]
    pd.testing.assert_frame_equal(
        result.segments[columns], here.segments[columns], rtol=1e-9, check_dtype=False
    )
    assert result.scan.silhouettes[4].n == SAMPLE and result.metrics["own/silhouette_se"] > 0
    assert any(f"a sample of {SAMPLE} of the" in text for _level, text in result.notes)


@pytest.mark.spark
@pytest.mark.parametrize(
    "scaler", ["minmax", "robust", "none", "mllib_standard", "mllib_minmax", "mllib_robust"]
)
def test_a_scaler_on_spark_has_the_numbers_of_the_one_in_memory(spark_run, here, scaler):
    """Spark's vectors are compared with the small model's, whose scaler is compared with one fitted in memory."""
    from seg.pipeline.distributed import spark_space

    _settings, parts = composed(*small_spark.OVERRIDES, "model=mllib_kmeans", f"scaler={scaler}")
    frame, table = here.table.frame, here.table
    with parts.connect() as engine:
        on_spark = engine.frame(engine.register(frame.reset_index()))
        learned = spark_space.fit(
            on_spark, table.features, table.transforms, parts.scaler, frame.iloc[:50],
            lambda asked: engine.collect(engine.table(asked)),
        )  # fmt: skip
        found = engine.collect(engine.table(learned.points(on_spark).select("customer_id", spark_space.X)))
    X = np.stack(found.set_index("customer_id").loc[frame.index, spark_space.X])
    np.testing.assert_allclose(X, learned.pipeline.transform(frame[table.features]), rtol=1e-9, atol=1e-12)
    transform = clone(here.pipeline["transform"]).fit_transform(frame[table.features])
    if not scaler.startswith("mllib_"):
        np.testing.assert_allclose(X, clone(parts.scaler).fit_transform(transform), rtol=1e-9, atol=1e-12)
    elif scaler == "mllib_standard":
        np.testing.assert_allclose(X.std(axis=0, ddof=1), 1)
    elif scaler == "mllib_minmax":
        np.testing.assert_allclose([X.min(axis=0), X.max(axis=0)], [[0] * 3, [1] * 3], atol=1e-12)
    else:
        np.testing.assert_allclose((X <= 0).mean(axis=0), 0.5, atol=0.2)  # a median among tied values


def scattered(n: int) -> np.ndarray:
    """Three groups that run into one another."""
    rng = np.random.default_rng(3)
    return rng.normal(size=(n, 2)) + np.repeat(
        [[0.0, 0.0], [2.5, 0.0], [0.0, 2.5]], [n // 2, n // 4, n - n // 2 - n // 4], axis=0
    )


def vectors(engine, X: np.ndarray):
    """Bring rows to Spark as its vectors."""
    from pyspark.ml.functions import array_to_vector

    table = engine.register(pd.DataFrame({"x": list(X)}))
    return engine.frame(table).select(array_to_vector("x").alias(estimators.FEATURES)).coalesce(1).persist()


@pytest.mark.spark
def test_the_order_of_customers_and_with_it_what_a_seed_draws_is_the_same_however_they_come(spark):
    from seg.pipeline.distributed import spark_checks

    frame = pd.DataFrame({"customer_id": [f"c{number}" for number in range(90)], "orders": np.arange(90.0)})

    def come(frame) -> list:
        there = spark.frame(spark.register(frame)).repartition(3)
        return spark_checks.prepared(there, ["orders"], [], spark.fetch)[0].collect()

    assert come(frame) == come(frame[::-1]) == sorted(come(frame))


@pytest.mark.spark
def test_a_seed_gives_the_same_mixture_again(spark):
    points = vectors(spark, scattered(200))
    one, again, other = (
        estimators.GaussianMixture(3, n_init=1, max_iter=2, seed=seed).fit(points) for seed in (0, 0, 1)
    )
    means = [np.array([part.mean.toArray() for part in model.gaussians]) for model in (one, again, other)]
    np.testing.assert_array_equal(means[0], means[1])
    assert not np.allclose(means[0], means[2])


@pytest.mark.spark
def test_kmeans_that_started_on_a_sample_is_at_an_optimum_of_all_customers(spark):
    """Every centre is the mean of the customers that are nearest to it, whoever was in the sample."""
    X = scattered(300)
    points = vectors(spark, X)
    for sample in (X[::10], X[:2]):  # of two points nothing can start: MLlib does
        centers = np.array(estimators.KMeans(3, n_init=2).fit(points, sampled(sample)).clusterCenters())
        labels = NearestCenter(centers).predict(X)
        means = [X[labels == cluster].mean(axis=0) for cluster in range(3)]
        np.testing.assert_allclose(centers, means, atol=1e-7)


@pytest.mark.spark
def test_centres_too_many_for_one_expression_label_by_the_model_of_mllib_in_their_own_order(
    spark, monkeypatch
):
    monkeypatch.setattr(lloyd_passes, "MOST_TERMS", 0)
    X, centers = scattered(60), np.array([[2.5, 0.0], [0.0, 2.5], [0.0, 0.0], [4.0, 4.0]])
    points = vectors(spark, X)
    model = lloyd_passes.Centers(centers, lambda: estimators.KMeans(4)._placed(points, centers))
    labels = [row[estimators.CLUSTER] for row in model.transform(points).collect()]
    assert labels == NearestCenter(centers).predict(X).tolist()


@pytest.mark.spark
def test_the_small_model_loads_where_pyspark_is_not(spark_run, here, tmp_path):
    result, folder, _ = spark_run("mllib_bisecting_kmeans")
    (tmp_path / "model.pkl").write_bytes(saved.dumps(result.pipeline))
    here.table.frame[here.table.features].to_parquet(tmp_path / "features.parquet")
    program = (
        "import sys, pickle, pandas as pd; sys.modules['pyspark'] = sys.modules['seg'] = None\n"
        f"model = pickle.load(open({str(tmp_path / 'model.pkl')!r}, 'rb'))\n"
        f"print(*model.predict(pd.read_parquet({str(tmp_path / 'features.parquet')!r})))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert [int(label) for label in said.split()] == assigned(folder).loc[
        here.table.frame.index, "segment"
    ].tolist()


@pytest.mark.spark
def test_mlflow_has_both_models_and_they_give_the_same_segments(spark_run, here, tmp_path):
    import mlflow

    from seg.track import spark_model

    result, folder, _ = spark_run("mllib_kmeans")
    files = spark_model.save(
        result.population.models[0][0],
        here.table.frame[here.table.features].head(3),
        tmp_path / "spark_model",
        tmp_path,
    )
    assert tmp_path / "spark_model" / "MLmodel" in files
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "spark_model"))
    labels = assigned(folder)["segment"]
    assert loaded.predict(here.table.frame[here.table.features]) == labels.tolist()


@pytest.mark.spark
def test_what_executors_wrote_is_hashed_on_its_way_out(spark_run):
    result, folder, _ = spark_run("mllib_gmm")
    with shared_files.to_share(
        [folder / shared_files.ASSIGNMENTS], folder, result.fingerprint, shared_files.Privacy()
    ) as shared:
        table = pd.read_parquet(shared / shared_files.ASSIGNMENTS)
    assert len(table) == result.customers and table["customer_id"].str.fullmatch("[0-9a-f]{16}").all()
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.spark
def test_a_feature_that_is_no_number_for_someone_is_refused_on_spark_as_in_memory():
    from seg.pipeline.distributed import spark_checks as table

    _settings, parts = composed(*small_spark.OVERRIDES, "model=mllib_kmeans")
    with parts.connect() as engine:

        def check(**columns):
            frame = engine.frame(
                engine.register(pd.DataFrame({"customer_id": ["a", "b", "b"][:2], **columns}))
            )
            return table.prepared(frame, list(columns), [], lambda asked: engine.collect(engine.table(asked)))

        assert check(orders=[1.0, 1e-310])[1] == 2
        with pytest.raises(SegError, match="revenue is not a number for 1 customers, such as 'b'"):
            check(orders=[1, 2], revenue=[1.0, float("inf")])
        with pytest.raises(SegError, match="city is not a number but 'Bath'"):
            check(city=["Bath", "Leeds"])
        twice = engine.frame(engine.register(pd.DataFrame({"customer_id": ["b", "b"], "orders": [1, 2]})))
        with pytest.raises(SegError, match="1 customers have more than one row, such as 'b'"):
            table.prepared(twice, ["orders"], [], lambda asked: engine.collect(engine.table(asked)))


def prepared(settings, parts) -> prepare.Prepared:
    """Prepare customers as a run does, which the test of the study then need not do again."""
    source, kept = prepare.find(settings.dataset, settings.data_dir)[0], cache.of(settings.cache)
    fingerprint = keys.fingerprint(settings.dataset, source, kept.digest)
    key = keys.features_key(settings.preparation, settings.engine.name, fingerprint, settings.plugins)
    return kept.get("features", key, lambda: prepare.prepare(settings.preparation, parts, source))


@pytest.mark.spark
@pytest.mark.real
def test_mllib_finds_one_of_the_four_optima_of_the_published_study(spark, real_data):
    """The customers are those that the embedded engine prepares; that Spark prepares the same is tested beside it."""
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as F

    from seg.pipeline.distributed import spark_clusters

    settings, parts = composed("experiment=nova_ims", f"data_dir={real_data}", data=["tracking=none"])
    X = space.scale(prepared(settings, parts).table, parts.scaler)[1]
    points = vectors(spark, X)
    points = points.select(
        "*",
        vector_to_array("features").alias("x"),
        F.lit(0.0).alias("_worth"),
        F.lit("a").alias("customer_id"),
    )
    labelled = estimators.KMeans(3, seed=1).fit(points, sampled(X[::2])).transform(points)
    optima = [(2109, 4524, 2810), (2097, 4526, 2820), (2092, 4534, 2817), (2096, 4532, 2815)]
    sizes = sorted(row["count"] for row in labelled.groupBy(estimators.CLUSTER).count().collect())
    assert sizes in [sorted(one) for one in optima]
    clusters = spark_clusters.clusters_of(labelled, X.shape[1], spark.fetch)
    assert clusters.silhouette_squared == pytest.approx(0.7687, abs=0.0005)
