"""Customers whom a trained model places once, whoever asks for their segments."""

from __future__ import annotations

import pandas as pd

from seg.cli.trained_model import Placed


def test_customers_are_placed_once_and_only_those_who_came_since_anew():
    asked = []

    class Model:
        def routed(self, frame):
            asked.append(list(frame.index))
            return pd.DataFrame({"segment": frame["x"].to_numpy()}, index=frame.index)

    frame = pd.DataFrame({"x": [5, 6, 7]}, index=[1, 2, 3])
    placed = Placed.once(Model(), frame)
    assert placed.of(frame[["x"]].iloc[[2, 0]])["segment"].to_dict() == {3: 7, 1: 5}
    grown = pd.DataFrame({"x": [8, 6]}, index=[4, 2])
    assert placed.of(grown)["segment"].to_dict() == {4: 8, 2: 6}
    assert asked == [[1, 2, 3], [4]]
