"""Place each customer with the model of its group, and with a common model where its group has none.

A served model carries this module inside itself: it imports nothing of seg but the placement of one model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from seg.models.placement import Placement


class RoutedPlacement:
    """The models of many groups behind one interface.

    Parameters
    ----------
    by : str
        Column that holds the group of a customer.
    models : mapping of str to Placement
        By the name of the group.
    common : Placement
        For every other group, and for customers without one.
    first : mapping of str to int
        Number of the first segment of each model, that of the common one under `common_name`.
    common_name : str
    """

    def __init__(
        self,
        by: str,
        models: Mapping[str, Placement],
        common: Placement,
        first: Mapping[str, int],
        common_name: str = "(common)",
    ):
        self.by, self.models, self.common = by, dict(models), common
        self.first, self.common_name = dict(first), common_name
        self.features = common.features

    @property
    def pipeline(self) -> dict:
        """The fitted pipelines by the name of the model, the common one among them."""
        return {
            **{name: one.pipeline for name, one in self.models.items()},
            self.common_name: self.common.pipeline,
        }

    def portable(self, change: Callable) -> RoutedPlacement:
        """Return the same with every pipeline changed."""
        models = {name: one.portable(change) for name, one in self.models.items()}
        return RoutedPlacement(self.by, models, self.common.portable(change), self.first, self.common_name)

    def place(self, X: pd.DataFrame) -> pd.DataFrame:
        """Place customers.

        Parameters
        ----------
        X : DataFrame of shape (n_customers, n_features + 1)
            The features as float64, and the column `by`.

        Returns
        -------
        DataFrame, index as that of `X`
            As `Placement.place` gives it, the segments numbered through all groups, with ``model``: which model placed the
            customer.
        """
        groups = X[self.by].map(lambda one: one.strip() if isinstance(one, str) else one).astype(object)
        names = groups.where(groups.isin(list(self.models)), self.common_name).to_numpy()
        parts, order = [], []
        for name, places in pd.Series(np.arange(len(X))).groupby(names).indices.items():
            placed = self.models.get(name, self.common).place(X[self.features].iloc[places])
            number = placed["segment"] + self.first[name]
            placed["segment"] = number.mask((placed["segment"] < 0).fillna(False), -1)
            placed.insert(2, "model", pd.array([name] * len(places), dtype="str"))
            parts.append(placed)
            order.append(places)
        if not parts:
            return self.common.place(X[self.features]).assign(model=pd.array([], dtype="str"))
        back = np.argsort(np.concatenate(order), kind="stable")
        return pd.concat(parts).iloc[back].set_axis(X.index)
