"""How long customers have waited, and which names may say that they are gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from seg.segments import places, usual_gap
from seg.segments.naming import name_segments
from seg.segments.playbook import parse
from seg.segments.rfm import parse as parse_rfm
from seg.segments.rfm_tables import rule_segments

CONFIGS = Path(__file__).parents[2] / "configs"
PLAYBOOK = parse(yaml.safe_load((CONFIGS / "playbook" / "default.yaml").read_text()))
RFM = parse_rfm(yaml.safe_load((CONFIGS / "rfm" / "default.yaml").read_text()))
LAPSED = {"Valuable but slipping away", "Lost big spenders", "Lost customers", "Hibernating customers"}


def shop(gap: float, left: bool, n: int = 300, seed: int = 0) -> pd.DataFrame:
    """Make customers of three years who order every `gap` days on average, half of whom may have left long ago."""
    rng = np.random.default_rng(seed)
    tenure = rng.uniform(300, 1000, n)
    gone = (np.arange(n) % 2 == 0) & left
    active = np.where(gone, tenure * 0.3, tenure)
    orders = 1 + rng.poisson(active / gap)
    wait = np.minimum(rng.exponential(gap, n), active * 0.9)
    recency = np.where(orders > 1, wait, active) + (tenure - active)
    return pd.DataFrame(
        {"recency_days": recency, "orders": orders, "tenure_days": tenure, "revenue": orders * 20.0}
    )


def named(frame: pd.DataFrame, labels: np.ndarray) -> list[str]:
    measured = places.places(frame, labels, places.available(frame.columns))
    return list(
        name_segments(measured.assign(size=0.3, money_share=0.3, money_each=0.5), PLAYBOOK).names.values()
    )


def by_recency(frame: pd.DataFrame) -> np.ndarray:
    return pd.qcut(frame["recency_days"], 3, labels=False).to_numpy()


@pytest.mark.parametrize(
    ("gap", "left", "expected"), [(7, True, True), (900, False, False), (30, True, True)]
)
def test_a_name_says_that_customers_are_gone_only_where_they_waited_twice_as_long_as_usual(
    gap, left, expected
):
    frame = shop(gap, left)
    assert bool(LAPSED & set(named(frame, by_recency(frame)))) is expected


def test_without_the_gap_the_names_are_those_of_the_places_alone():
    frame = shop(900, left=False).drop(columns="tenure_days")
    assert "waited" not in places.available(frame.columns)
    assert LAPSED & set(named(frame, by_recency(frame)))


def test_where_nobody_orders_twice_nobody_is_late():
    frame = pd.DataFrame({"orders": [1, 1], "recency_days": [5, 900], "span_days": [0, 0]})
    assert usual_gap.waited(frame).tolist() == [0, 0] and usual_gap.gap_of_all(frame) == np.inf


def test_rule_segments_whose_names_come_too_early_are_named_with_bounds_that_follow_the_gap():
    frame = shop(900, left=False)
    early = rule_segments(frame, RFM).early
    assert "Hibernating" in early.names or "About to Sleep" in early.names
    gap = usual_gap.gap_of_all(frame)
    assert f"{gap / 4:.0f}, {gap / 2:.0f}, {gap:.0f}, {gap * 2:.0f}]}}'" in early.written()
    assert rule_segments(shop(7, left=True), RFM).early is None


def test_who_ordered_lately_is_never_named_lost():
    r, f, m = np.array([(r, f, m) for r in (3, 4, 5) for f in range(1, 6) for m in range(1, 6)]).T
    assert not {"Lost", "Hibernating", "About to Sleep", "At Risk"} & set(RFM.name(r, f, m))


def test_customers_of_every_week_who_have_not_come_for_months_are_not_called_loyal():
    measured = {"frequency": 0.7, "money": 0.7, "tenure": 0.8, "recency": 0.5, "money_each": 0.6, "size": 0.2}
    at = {weeks: pd.DataFrame([measured | {"waited": weeks / (1 + weeks)}], index=[0]) for weeks in (1, 12)}
    assert "oyal" in name_segments(at[1], PLAYBOOK).names[0]
    assert name_segments(at[12], PLAYBOOK).names[0] == "Valuable but slipping away"
