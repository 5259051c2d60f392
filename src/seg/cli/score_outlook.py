"""What customers who are scored will do next, where ``seg score`` is asked for it."""

from __future__ import annotations

import pandas as pd
from omegaconf import DictConfig

from seg.config import compose, load
from seg.outlook import ahead
from seg.score import replay
from seg.score.scorer import Scorer


def outlook(scorer: Scorer, cfg: DictConfig) -> tuple[pd.DataFrame, list[str]]:
    """Compute the outlook of the customers of an input, from models that are trained on its earlier days.

    Parameters
    ----------
    scorer : Scorer
    cfg : DictConfig
        The configuration of training for this input, see `seg.score.input_rows.configured`.

    Returns
    -------
    scores : DataFrame, index customer_id
    notes : list of str
    """
    settings = replay.for_scoring(load.settings(cfg), scorer.contract, "rule")
    parts, place = compose.instantiate_parts(cfg), ahead.placed_by(scorer)
    customers = ahead.of_customers(settings, parts, scorer.features, place, scorer.contract.days_after)
    return customers.scores.drop(columns="segment"), [text for _, text in dict.fromkeys(customers.notes)]
