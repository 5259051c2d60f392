"""The classical yardstick: BG/NBD for purchases with gamma-gamma for their value, by PyMC-Marketing.

Fader, Hardie & Lee (2005), doi 10.1287/mksc.1040.0098: customers buy at rates that differ by a gamma distribution, and
after each purchase drop out with a probability that differs by a beta distribution. Fader & Hardie (2013), "The
gamma-gamma model of monetary value". The models see days with a purchase, not orders: two orders of a day are one.

PyMC-Marketing is an optional extra (``pip install 'seg[clv]'``), because it brings about 85 MB of packages. Its likelihood is
evaluated with NumPy: the optimum is the same, and compiling C takes longer than the fit (and needs a compiler).
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np
import pandas as pd

NAME = "BG/NBD and gamma-gamma"
LEAST_REPEATERS = 20  # customers with a second day, to fit the value of a purchase day
MOST_FITTED = 10_000  # customers drawn to estimate the seven parameters; everybody is forecast


def missing() -> str | None:
    """Return why the yardstick cannot be computed here; None where it can."""
    if find_spec("pymc_marketing") is None:
        return f"{NAME} are not compared: PyMC-Marketing is not installed; install it with: pip install 'seg[clv]'"
    return None


def summary(features: pd.DataFrame) -> pd.DataFrame:
    """Return what the two models need, in days.

    Parameters
    ----------
    features : DataFrame
        ``active_days``, ``span_days``, ``tenure_days``, ``revenue`` by customer.

    Returns
    -------
    DataFrame
        ``customer_id``, ``frequency`` (days with a purchase after the first), ``recency`` (days from the first to the last
        purchase), ``T`` (days from the first purchase to the cut), ``monetary_value`` (revenue a day with a purchase).

    Examples
    --------
    >>> one = pd.DataFrame({"active_days": [3.0], "span_days": [40.0], "tenure_days": [100.0], "revenue": [60.0]})
    >>> summary(one).iloc[0].tolist()
    [0.0, 2.0, 40.0, 100.0, 20.0]
    """
    return pd.DataFrame(
        {
            "customer_id": np.arange(len(features)),
            "frequency": features["active_days"].to_numpy() - 1,
            "recency": features["span_days"].to_numpy(),
            "T": features["tenure_days"].to_numpy(),
            "monetary_value": features["revenue"].to_numpy() / features["active_days"].to_numpy(),
        }
    ).astype("float64")


def forecast(features: pd.DataFrame, horizon: int) -> pd.DataFrame | str:
    """Forecast each customer's next days from the same customers' past.

    Parameters
    ----------
    features : DataFrame
        See `summary`.
    horizon : int
        In days.

    Returns
    -------
    DataFrame or str
        ``probability`` and ``spend`` of each customer; the reason where there is no forecast.
    """
    reason = missing()
    if reason:
        return reason
    data = summary(features)
    repeaters = data[(data["frequency"] > 0) & (data["monetary_value"] > 0)]
    if len(repeaters) < LEAST_REPEATERS:
        return f"{NAME} are not compared: {len(repeaters):,} customers bought on a second day, and at least {LEAST_REPEATERS} are needed"
    with _quiet():
        from pymc_marketing import clv

        purchases = clv.BetaGeoModel(data=_drawn(data)[["customer_id", "frequency", "recency", "T"]])
        purchases.fit(method="map", progressbar=False)
        none = purchases.expected_probability_no_purchase(data=data, t=horizon).to_numpy().ravel()
        expected = purchases.expected_purchases(data=data, future_t=horizon).to_numpy().ravel()
        columns = ["customer_id", "frequency", "monetary_value"]
        value = clv.GammaGammaModel(data=_drawn(repeaters)[columns])
        value.fit(method="map", progressbar=False)
        worth = value.expected_customer_spend(data=data[columns]).to_numpy().ravel()
    return pd.DataFrame({"probability": 1 - none, "spend": expected * worth}, index=features.index)


def _drawn(data: pd.DataFrame) -> pd.DataFrame:
    """Return the customers that the parameters are estimated from: all, or `MOST_FITTED` at random."""
    return data if len(data) <= MOST_FITTED else data.sample(MOST_FITTED, random_state=0)


@contextmanager
def _quiet():
    """Keep the library's progress and advice out of the console, and evaluate without compiling C."""
    import pytensor

    loggers = [logging.getLogger(name) for name in ("pymc", "pymc_marketing", "pytensor")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), pytensor.config.change_flags(mode="FAST_COMPILE"):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
