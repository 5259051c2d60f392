"""Models of one horizon: the probability that a customer buys, and the spend to expect.

Both are gradient boosting (scikit-learn's histogram trees). The probability is calibrated by a logistic curve on
customers that its trees have not seen. The spend is boosted on top of the customer's usual spend in as many days: a
Poisson loss with that as its exposure, so that large customers are not cut off at the largest leaf, and the sum over
all customers is that of the training cuts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold

from seg.outlook.snapshots import Snapshot

TREES = {"learning_rate": 0.05, "max_leaf_nodes": 8, "min_samples_leaf": 40, "l2_regularization": 1.0}
PROBABILITY_TREES, SPEND_TREES = 100, 60
FOLDS = 3
MOST_BINS = 255
MOST_LEARNT = 200_000  # customers of all training cuts together: more are drawn at random
LEAST_OF_EACH = 10  # customers who bought, and who did not, to learn from
SHORTEST_TENURE = 180  # days: the usual spend of a newer customer is spread over as many


class Binned(TransformerMixin, BaseEstimator):
    """Turn each column into the numbers of its bins of equally many customers; missing stays missing.

    The trees themselves bin by weights, which with weighted rows takes more time than all trees together: they sort the column once
    for each of the 255 bins.

    Parameters
    ----------
    bins : int
        At most so many bins a column.

    Attributes
    ----------
    edges_ : list of ndarray
        Of each column, ascending; a value belongs to the bin whose upper edge is the first that is not below it.

    Examples
    --------
    >>> Binned(2).fit(pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})).transform(pd.DataFrame({"x": [2.0, 2.9, 9.0]})).ravel()
    array([0., 1., 1.])
    """

    def __init__(self, bins: int = MOST_BINS):
        self.bins = bins

    def fit(self, X: pd.DataFrame, y=None) -> Binned:
        """Find the edges."""
        inner = np.linspace(0, 1, self.bins + 1)[1:-1]
        columns = X.to_numpy(dtype="float64").T
        self.edges_ = [
            np.unique(np.quantile(known, inner, method="inverted_cdf")) if len(known) else np.empty(0)
            for known in (column[~np.isnan(column)] for column in columns)
        ]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return the bins, shape (n_customers, n_features)."""
        columns = X.to_numpy(dtype="float64").T
        codes = [
            np.where(np.isnan(column), np.nan, np.searchsorted(edges, column, side="left"))
            for edges, column in zip(self.edges_, columns, strict=True)
        ]
        return np.column_stack(codes)


@dataclass(frozen=True)
class HorizonModel:
    """Fitted models of one horizon.

    Parameters
    ----------
    horizon : int
        In days.
    purchase : CalibratedClassifierCV
    amount : HistGradientBoostingRegressor
        Of the spend in multiples of the exposure.
    floor : float
        Added to the usual spend of everybody, in the currency: nobody's exposure is 0.
    steps : Binned
        What `amount` sees of a customer.
    """

    horizon: int
    purchase: CalibratedClassifierCV
    amount: HistGradientBoostingRegressor
    floor: float
    steps: Binned

    def predict(self, inputs: pd.DataFrame) -> pd.DataFrame:
        """Return ``probability`` (0 to 1) and ``spend`` (currency, 0 or more) of each customer."""
        exposure = usual_spend(inputs, self.horizon) + self.floor
        return pd.DataFrame(
            {
                "probability": self.purchase.predict_proba(inputs)[:, 1],
                "spend": self.amount.predict(self.steps.transform(inputs)) * exposure,
            },
            index=inputs.index,
        )


def usual_spend(inputs: pd.DataFrame, horizon: int) -> np.ndarray:
    """Return what each customer spends in `horizon` days at the rate of all days since the first order.

    >>> usual_spend(pd.DataFrame({"revenue": [360.0, 90.0], "tenure_days": [360.0, 10.0]}), 90)
    array([90., 45.])
    """
    days = np.maximum(inputs["tenure_days"].to_numpy(), SHORTEST_TENURE)
    return np.maximum(inputs["revenue"].to_numpy(), 0.0) / days * horizon


def impossible(snapshots: Sequence[Snapshot], horizon: int) -> str | None:
    """Return why no model can be trained on these cuts; None where one can."""
    bought = np.concatenate([(one.spend[horizon] > 0).to_numpy() for one in snapshots])
    buyers, others = int(bought.sum()), int((~bought).sum())
    if min(buyers, others) >= LEAST_OF_EACH:
        return None
    if not others or not buyers:
        everybody = "all" if buyers else "none"
        return (
            f"not possible: {everybody} of the {len(bought):,} customers of the training cuts bought within {horizon} days, so there "
            "is no difference to learn; choose other horizons"
        )
    return (
        f"not possible: of the {len(bought):,} customers of the training cuts {buyers:,} bought within {horizon} days and {others:,} "
        f"did not; at least {LEAST_OF_EACH} of each are needed: choose other horizons, or use more data"
    )


def fit(snapshots: Sequence[Snapshot], horizon: int, seed: int = 0) -> HorizonModel:
    """Fit the models of one horizon to customers on several cuts.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        Each with a complete outcome of this horizon.
    horizon : int
        In days.
    seed : int

    Returns
    -------
    HorizonModel
    """
    inputs = pd.concat([one.inputs for one in snapshots])
    spend = np.concatenate([one.spend[horizon].to_numpy() for one in snapshots])
    if len(spend) > MOST_LEARNT:
        drawn = np.sort(np.random.default_rng(seed).choice(len(spend), MOST_LEARNT, replace=False))
        inputs, spend = inputs.iloc[drawn], spend[drawn]
    bought = (spend > 0).astype("int64")
    trees = HistGradientBoostingClassifier(max_iter=PROBABILITY_TREES, random_state=seed, **TREES)
    # A customer is in several cuts: never in the trees' part and in the part that calibrates them at once.
    who = pd.factorize(inputs.index, sort=True)[0]  # the same folds as of the ids, without comparing texts
    splits = list(GroupKFold(FOLDS, shuffle=True, random_state=seed).split(inputs, bought, who))
    purchase = CalibratedClassifierCV(trees, method="sigmoid", cv=splits).fit(inputs, bought)
    floor = max(0.1 * float(spend.mean()), 1e-6)
    exposure = usual_spend(inputs, horizon) + floor
    boosted = HistGradientBoostingRegressor(
        loss="poisson", max_iter=SPEND_TREES, random_state=seed, **(TREES | {"min_samples_leaf": 100})
    )
    steps = Binned().fit(inputs)
    amount = boosted.fit(steps.transform(inputs), spend / exposure, sample_weight=exposure / exposure.mean())
    return HorizonModel(horizon, purchase, amount, floor, steps)


def nested(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Make predictions of longer horizons at least those of shorter ones: who buys within 30 days buys within 90.

    Parameters
    ----------
    frames : sequence of DataFrame
        ``probability`` and ``spend``, by growing horizon.
    """
    ordered: list[pd.DataFrame] = []
    for frame in frames:
        ordered.append(frame if not ordered else frame.clip(lower=ordered[-1]))
    return ordered
