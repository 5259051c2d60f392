"""What holds for every file under configs/, because it is there."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from sklearn.base import clone
from sklearn.metrics import v_measure_score

from seg.config import folders
from seg.config import load as config
from seg.config.settings import Settings
from seg.errors import Impossible, SegError
from seg.models.segmenter import Segmenter
from seg.pipeline import check

DATASETS, CLEANINGS, RECIPES, SCALERS, MODELS = map(
    config.choices, ("dataset", "cleaning", "recipe", "scaler", "model")
)
ON_SPARK = ["engine=spark", "model=mllib_kmeans"]
YAMLS = sorted(path.relative_to(config.CONFIGS) for path in config.CONFIGS.rglob("*.yaml"))
# A data set whose columns the user maps has them all here, so that no pairing is refused for want of a mapping.
MAPPED = [f"++dataset.columns.{name}={name}" for name in ("order_id", "product_id", "quantity", "unit_price")]


@pytest.fixture(scope="module")
def composed():
    config.prepare_environment()
    with initialize_config_dir(str(config.CONFIGS), version_base="1.3"):

        def run(*overrides: str):
            return compose("run", overrides=["tracking=none", *overrides])

        yield run


@pytest.fixture(scope="module")
def checked(composed):
    def run(*overrides: str) -> Settings:
        settings = config.settings(composed(*overrides))
        check.check_parts(settings)
        return settings

    return run


@pytest.fixture(scope="module")
def bases(composed):
    """Give the settings of every data set, with its own cleaning and recipe."""
    return {name: config.settings(composed(f"dataset={name}")) for name in DATASETS}


@pytest.fixture(scope="module")
def pairings(composed, bases):
    """Check every data set with every cleaning and every recipe: the error of each, or None."""
    cleanings = {name: config.settings(composed(f"cleaning={name}")).cleaning for name in CLEANINGS}
    # A recipe may speak of the columns of the data set it is for.
    recipes = {
        name: config.settings(composed("dataset=customers", f"recipe={name}")).recipe for name in RECIPES
    }
    found = {}
    for dataset, cleaning, recipe in product(DATASETS, CLEANINGS, RECIPES):
        parts = {"cleaning": cleanings[cleaning], "recipe": recipes[recipe]}
        try:
            check.check_parts(bases[dataset].model_copy(update=parts))
        except SegError as error:
            found[dataset, cleaning, recipe] = str(error)
        else:
            found[dataset, cleaning, recipe] = None
    return found


@pytest.mark.parametrize("path", YAMLS, ids=str)
def test_the_first_line_of_a_yaml_says_what_it_is(path):
    first = (config.CONFIGS / path).read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ") and len(first) > 15


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_has_a_card(name):
    card = folders.ASSETS / "datasets" / name / "README.md"
    assert card.is_file() and len(card.read_text(encoding="utf-8")) > 200


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_composes_and_its_own_cleaning_and_recipe_fit_it(bases, name):
    settings = bases[name]
    check.check_parts(settings)
    assert settings.dataset.name == name
    assert {"customer_id", "order_id"} & check.provides(settings.dataset)


@pytest.mark.parametrize("group", ["scaler", "model"])
def test_every_data_set_is_served_by_every_scaler_and_model(composed, bases, group):
    for choice in config.choices(group):
        on = ON_SPARK if choice.startswith("mllib_") else []
        chosen = config.settings(composed("dataset=toy", *on, f"{group}={choice}"))
        parts = {name: getattr(chosen, name) for name in ("scaler", "model", "engine")}
        for base in bases.values():
            asked = base.model_copy(update=parts)
            if choice in LEARNING and base.dataset.kind == "customers":
                with pytest.raises(Impossible, match="use a data set with orders"):
                    check.check_parts(asked)
            else:
                check.check_parts(asked)


@pytest.mark.parametrize("name", DATASETS)
def test_a_pairing_either_fits_or_says_what_is_lacking(pairings, name):
    for (dataset, _cleaning, _recipe), error in pairings.items():
        if dataset == name and error is not None:
            assert (
                f"dataset={dataset} has no " in error
                or f"dataset={dataset} cannot serve" in error
                or ("unknown feature" in error and "expected one of" in error)
            ), error


@pytest.mark.parametrize(
    "place, names", [(0, DATASETS), (1, CLEANINGS), (2, RECIPES)], ids=["dataset", "cleaning", "recipe"]
)
def test_no_part_is_refused_by_all_others(pairings, place, names):
    assert {parts[place] for parts, error in pairings.items() if error is None} == set(names)


def test_a_mapped_table_of_orders_fits_every_recipe_that_is_counted_from_orders(checked):
    for recipe in ("rfm", "behaviour", "insiders"):
        checked("dataset=transactions", f"recipe={recipe}", *MAPPED)
    with pytest.raises(
        SegError, match="dataset=transactions cannot serve the feature 'products': it needs product_id"
    ):
        checked("dataset=transactions", "recipe=behaviour")


@pytest.mark.parametrize("name", DATASETS)
def test_the_adapter_of_a_data_set_is_a_function_with_the_arguments_of_its_yaml(composed, name):
    load = instantiate(composed(f"dataset={name}").dataset.load)
    assert load.func.__name__ == "load"


def test_the_engine_of_the_settings_connects(composed):
    connect = instantiate(composed("engine.memory_limit=1GB", "engine.threads=1").engine.connect)
    with connect as engine:
        assert engine.describe()["threads"] == "1"


# ---- scalers and models ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def skewed() -> np.ndarray:
    draw = np.random.default_rng(0)
    counts, money, constant = draw.geometric(0.5, 500), draw.lognormal(3, 2, 500), np.full(500, 7.0)
    return np.column_stack([counts, money, -money, constant])


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Four round groups of 75, 10 apart, each with a spread of 0.5."""
    centers = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10]], dtype=float)
    truth = np.repeat(np.arange(4), 75)
    X = centers[truth] + np.random.default_rng(1).normal(scale=0.5, size=(300, 3))
    order = np.random.default_rng(2).permutation(300)
    return X[order], truth[order]


@pytest.mark.parametrize("name", [name for name in SCALERS if not name.startswith("mllib_")])
def test_a_scaler_gives_finite_numbers_of_the_same_shape(composed, skewed, name):
    scaler, before = instantiate(composed(f"scaler={name}").scaler), skewed.copy()
    scaled = scaler.fit_transform(skewed)
    assert scaled.shape == skewed.shape and np.isfinite(scaled).all()
    np.testing.assert_array_equal(skewed, before)
    np.testing.assert_allclose(scaled, clone(scaler).fit(skewed).transform(skewed), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(scaler.transform(skewed[:1]), scaled[:1], rtol=1e-12, atol=1e-12)


# Those of MLlib are fitted on Spark: tests/test_mllib.py goes through their YAML files.
# Those with a lesson learn from orders: see tests/models/test_outcome_tiers.py.
TEXTS = {name: (config.CONFIGS / "model" / f"{name}.yaml").read_text() for name in MODELS}
LEARNING = [name for name, text in TEXTS.items() if "lesson:" in text]
PLAIN = [
    name
    for name, text in TEXTS.items()
    if not name.startswith("mllib_") and "embed:" not in text and name not in LEARNING
]
# Rules put customers where their scores belong, whatever groups there are: see tests/models/test_rfm_rules.py.
CLUSTERERS = [name for name in PLAIN if name != "rfm_rules"]
EMBEDDED = [
    pytest.param(name, marks=[pytest.mark.umap] if "umap" in name else [])
    for name in MODELS
    if name not in [*PLAIN, *LEARNING] and not name.startswith("mllib_")
]


@pytest.mark.parametrize("name", CLUSTERERS)
def test_a_model_finds_separated_groups_twice_the_same_and_leaves_the_data_alone(composed, blobs, name):
    X, truth = blobs
    before = X.copy()
    labels, again = (
        Segmenter(instantiate(composed(f"model={name}", "k=4").model)).fit_predict(X) for _ in range(2)
    )
    assert v_measure_score(truth, labels) > 0.9
    np.testing.assert_array_equal(labels, again)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("name", CLUSTERERS)
def test_a_model_orders_its_segments_and_places_a_new_customer(composed, blobs, name):
    X, _truth = blobs
    worth = X @ [1.0, 2.0, 3.0]
    model = Segmenter(instantiate(composed(f"model={name}", "k=4").model)).fit(X, order_by=worth)
    means = [worth[model.labels_ == segment].mean() for segment in range(model.n_segments_)]
    assert means == sorted(means, reverse=True)
    assert (model.predict(X) == model.labels_).mean() > 0.9
    assert model.predict(np.array([[0.0, 0.0, 10.1]]))[0] == 0


@pytest.mark.parametrize("name", EMBEDDED)
def test_a_model_with_an_embedding_repeats_itself_and_places_one_customer_as_the_batch(composed, blobs, name):
    """That it recovers groups is not asked: trees cut the data by what predicts their target."""
    X = pd.DataFrame(blobs[0], columns=["revenue", "orders", "recency_days"])
    before, runs = X.copy(), []
    for _ in range(2):
        model = instantiate(composed(f"model={name}", "k=4").model)
        segmenter = Segmenter(model["cluster"]).fit(model["embed"].fit_transform(X))
        runs.append(segmenter.labels_)
    np.testing.assert_array_equal(*runs)
    pd.testing.assert_frame_equal(X, before)
    assert set(runs[0]) == {0, 1, 2, 3}
    np.testing.assert_array_equal(segmenter.predict(model["embed"].transform(X)), runs[0])
    one = segmenter.predict(model["embed"].transform(X.iloc[[7]]))
    assert one[0] == runs[0][7]
