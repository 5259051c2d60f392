"""Check that the parts of a run fit together, before any data is read."""

from __future__ import annotations

from seg import cleaning, features
from seg.config.load import choices
from seg.config.settings import DatasetSettings, Settings
from seg.datasets.transactions import mapping
from seg.errors import Impossible, SegError, listed
from seg.evaluation import published
from seg.models import mllib
from seg.pipeline import interpret, plugins
from seg.sources import reading_options

# Columns of orders that divide no customers into groups.
MEASURED = frozenset({"customer_id", "order_id", "ordered_at", "amount", "quantity", "unit_price"})


def provides(dataset: DatasetSettings) -> set[str]:
    """Return the columns that a data set provides, from its YAML alone."""
    if dataset.provides is not None:
        return set(dataset.provides)
    if dataset.kind == "transactions":
        return set(mapping(dataset.columns)) | {"customer_id", "order_id", "ordered_at", "amount"}
    return {"customer_id", *dataset.features, *([dataset.value] if dataset.value else [])}


def check_parts(checked: Settings) -> None:
    """Check steps, features and whether the data set can serve them, before any data is read."""
    plugins.load(checked.plugins)
    dataset, provided = checked.dataset, provides(checked.dataset)
    reading_options.check(dataset)
    steps = cleaning.parse(checked.cleaning.steps)
    lacking = sorted(cleaning.needs(steps) - provided)
    if lacking:
        raise Impossible(
            f"cleaning: dataset={dataset.name} has no {', '.join(lacking)}, which a step needs; it provides "
            f"{', '.join(sorted(provided))}; choose another cleaning ({listed(dataset.name, choices('cleaning'))})"
        )
    counted = dataset.kind == "transactions"
    features.check(features.parse(checked.recipe.features), provided, dataset.name, counted)
    features.check(checked.recipe.profile, provided, dataset.name, counted, "recipe.profile")
    features.check(dataset.common, provided, dataset.name, counted, "dataset.common")
    features.check_as_of(checked.recipe.as_of)
    _check_groups(checked, provided)
    mllib.check(
        checked.model, checked.scaler, checked.engine.name, checked.evaluation.holdout.cut is not None
    )
    if "lesson" in checked.model and not counted:
        raise Impossible(
            f"model: dataset={dataset.name} has one row a customer, and this model learns from what customers bought after earlier days; "
            "use a data set with orders (dataset=transactions), or another model"
        )
    interpret.check(checked.meaning, provided)
    for entry in checked.published:
        published.reach(entry.tolerance or 0, 1.0)


def _check_groups(checked: Settings, provided: set[str]) -> None:
    """Check that the column of the groups can be there, and that nothing is asked for that groups do not have."""
    by = checked.by
    if by is None:
        return
    dataset = checked.dataset
    columns = provided - MEASURED
    if dataset.kind == "transactions" and (
        by in MEASURED or (by not in columns and not hasattr(dataset, "columns"))
    ):
        raise SegError(
            f"by={by}: expected a column of the orders of {dataset.name} that tells to which group a customer belongs"
            f"{f', one of {listed(by, columns)}' if columns else ', such as country'}"
        )
    if mllib.is_mllib(checked.model):
        raise SegError(
            f"by={by}: models that are fitted on Spark have no groups; choose a model such as model=kmeans"
        )
    single = (("evaluation.outlook", checked.evaluation.outlook), ("published", checked.published))
    for key, is_set in (*single, ("model.lesson", "lesson" in checked.model)):
        if is_set:
            raise SegError(f"by={by}: {key} is for one model; leave it out, or run one group by itself")
    if checked.segments.names:
        raise SegError(f"by={by}: segments.names is for one model; leave it out")
