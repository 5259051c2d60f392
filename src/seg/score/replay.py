"""The cleaning and the features of a training, once more on other rows: what scoring and migration do with raw files."""

from __future__ import annotations

from datetime import date

from seg import cleaning, features
from seg.config.settings import CleaningSettings, Preparation, Settings
from seg.errors import SegError
from seg.features import FeatureTable
from seg.score.model_card import Contract

OTHERWISE = "in training it saw other rows, so the same customer may come out differently: score whole data sets, not extracts"
# Steps whose effect on a customer hangs on more than the customer's own rows.
REMARKS = {
    "iqr_cap": f"caps values at quartiles of the input rows; {OTHERWISE}",
    "fill_zero_price": f"takes the usual price of a product from the input rows; {OTHERWISE}",
    "newest_days": f"keeps the days before the newest input row; {OTHERWISE}",
    "date_window": "keeps the days that training kept: orders outside them are not counted",
}


def for_scoring(settings: Settings, contract: Contract, as_of: str) -> Settings:
    """Turn the settings of a training into those of scoring: its features only, counted from the day that is asked for.

    Parameters
    ----------
    as_of : {"rule", "frozen"} or date
        The rule of the recipe (so many days after the newest order of the input), the day of training, or a day.
    """
    day = {"rule": contract.as_of["rule"], "frozen": contract.as_of["day"]}.get(as_of, as_of)
    if day is None:
        raise SegError(f"as_of={as_of}: the model was trained on a table without dates; leave as_of out")
    recipe = settings.recipe.model_copy(update={"as_of": day, "profile": []})
    dataset = settings.dataset.model_copy(update={"common": [], "truth": None})
    if getattr(dataset, "missing", None) == "median":
        # The medians are those of training, not of the rows to score.
        dataset = dataset.model_copy(update={"missing": "keep"})
    evaluation = settings.evaluation.model_copy(update={"holdout": type(settings.evaluation.holdout)()})
    # Nothing is fitted: a model that was trained on Spark places customers that DuckDB has counted, too.
    unused = {"model": {}, "scaler": {}}
    return settings.model_copy(
        update={"recipe": recipe, "dataset": dataset, "evaluation": evaluation, **unused}
    )


def remarks(settings: Preparation) -> list[str]:
    """List which cleaning steps do something else on other rows than those of training."""
    names = [step.name for step, _ in cleaning.parse(settings.cleaning.steps)]
    texts = [f"cleaning step {name} {REMARKS[name]}" for name in names if name in REMARKS]
    if "elapsed_days" in features.parse(settings.recipe.features):
        texts.append("elapsed_days counts from the newest purchase of the input, whatever as_of is")
    return texts


def extract(table: FeatureTable, contract: Contract, as_of: str) -> list[str]:
    """List what hints at an extract: features count what the rows tell, and recency from their newest order on.

    Parameters
    ----------
    table : FeatureTable
        Of the rows to score.
    contract : Contract
        Of the model.
    as_of : {"rule", "frozen"} or date
        How recency is counted.

    Returns
    -------
    list of str
        A sentence for each sign.
    """
    texts = []
    oldest, newest = contract.date("oldest"), contract.date("newest")
    if table.newest is None or newest is None:
        return texts
    if as_of == "rule" and table.newest < newest:
        texts.append(
            f"the newest order is from {table.newest}, in training it was from {newest}: recency is counted from {table.as_of}; for an "
            "extract with some of the customers, pass as_of=YYYY-MM-DD"
        )
    covered, learned = (table.newest - table.oldest).days + 1, (newest - oldest).days + 1
    if not 0.5 <= covered / learned <= 2:
        texts.append(
            f"the orders cover {covered:,} days ({table.oldest} to {table.newest}), in training {learned:,}: orders and revenue are "
            "sums over that time, so score as long a history as the model was trained on"
        )
    return texts


def movement_remarks(
    steps: CleaningSettings, contract: Contract, days: tuple[date, date], first: date, nameless: int
) -> list[str]:
    """List what a reader of a movement has to know.

    Parameters
    ----------
    steps : CleaningSettings
    contract : Contract
        Of the model that places the customers.
    days : tuple of date
        The two days that are compared.
    first : date
        Day of the oldest order.
    nameless : int
        Orders without a customer, left out.

    Returns
    -------
    list of str
        A sentence for each remark that applies.
    """
    texts, (start, end) = [], days
    windows = {step.name for step, _ in cleaning.parse(steps.steps)} & {
        "newest_days",
        "date_window",
    }
    if not windows:
        texts.append(
            f"orders and revenue add up from {first} on, over {(start - first).days + 1:,} days on {start} and "
            f"{(end - first).days + 1:,} on {end}: some of the movement is that longer history"
        )
    if contract.date("newest") > start:
        texts.append(
            f"the model was trained on orders up to {contract.date('newest')}, later than {start}: it describes who moved, and is no test "
            "of what could have been known then"
        )
    if nameless:
        texts.append(
            f"{nameless:,} orders without a customer were left out: each counts as a customer of its own, who cannot move"
        )
    return texts
