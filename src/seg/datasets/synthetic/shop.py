"""The shop of the retail stand-ins: its products, its customers and their visits, all invented."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from seg.datasets.synthetic.draw import days, draw, members


class Group(NamedTuple):
    """A way of buying in the retail world; every pair is a closed range."""

    share: float
    visits: tuple[int, int]
    active: tuple[float, float]  # part of the period, 0 its first day and 1 its last
    lines: tuple[int, int]
    pieces: tuple[int, int]


GROUPS = (
    Group(0.05, (5, 12), (0.0, 1.0), (3, 8), (48, 288)),  # wholesale
    Group(0.13, (7, 12), (0.0, 1.0), (3, 7), (6, 24)),  # regulars
    Group(0.37, (2, 5), (0.1, 1.0), (2, 7), (2, 12)),  # occasionals
    Group(0.25, (1, 3), (0.0, 0.4), (2, 7), (1, 12)),  # lapsed
    Group(0.20, (1, 2), (0.8, 1.0), (2, 6), (1, 8)),  # newcomers
    Group(0.00, (60, 60), (0.0, 1.0), (3, 6), (100, 500)),  # the one giant
    Group(0.00, (1, 1), (0.0, 1.0), (1, 20), (1, 4)),  # a visit of nobody known
)
GIANT, ANONYMOUS = 5, 6
HOME = "United Kingdom"
FOREIGN = (
    "Germany",
    "France",
    "EIRE",
    "Spain",
    "Switzerland",
    "Portugal",
    "Norway",
    "Channel Islands",
    "Japan",
)
ODD_COUNTRIES = ("European Community", "Unspecified")
FIRST_CUSTOMER, LAST_CUSTOMER, ABSURD_CUSTOMER = 12000, 18899, "16446"
STYLES = ("RUSTIC", "POLKADOT", "NORDIC", "FOLK ART", "SEASIDE", "ORCHARD", "MEADOW", "HARBOUR")
STUFFS = ("TIN", "CERAMIC", "PAPER", "WILLOW", "FELT", "ENAMEL", "LINEN", "CORK")
THINGS = (
    "CAKE STAND",
    "LANTERN",
    "NAPKINS, PACK OF 20",
    "BUNTING",
    "TEAPOT",
    'TRAY 12"',
    "COASTERS",
    "PEG BAG",
)
RETIRED = 10  # products that were sold before the period and only come back in it


class Period(NamedTuple):
    """The days of a world, both ends included."""

    start: pd.Timestamp
    end: pd.Timestamp

    @property
    def days(self) -> int:
        """Days from the first to the last."""
        return (self.end - self.start).days


YEAR = Period(pd.Timestamp("2010-12-01"), pd.Timestamp("2011-12-09"))
TWO_YEARS = Period(pd.Timestamp("2009-12-01"), pd.Timestamp("2011-12-09"))


def catalogue(rng: np.random.Generator, size: int = 300) -> pd.DataFrame:
    """Invent products: code, description, price; the last `RETIRED` of them are no longer sold."""
    number = rng.choice(np.arange(20000, 90000), size, replace=False)
    named = rng.choice(len(STYLES) * len(STUFFS) * len(THINGS), size, replace=False)
    style, stuff, thing = np.unravel_index(named, (len(STYLES), len(STUFFS), len(THINGS)))
    products = pd.DataFrame({"stock_code": number.astype(str)})
    products["stock_code"] += rng.choice(["", "", "", "A", "B", "b", "GR"], size)
    products["description"] = [
        f"{STYLES[i]} {STUFFS[j]} {THINGS[k]}" for i, j, k in zip(style, stuff, thing, strict=True)
    ]
    products["description"] += np.where(
        rng.random(size) < 0.15, " ", ""
    )  # some names end in a blank, as there
    pounds = rng.choice([0, 0, 1, 1, 2, 3, 6, 11], size)
    products["price"] = (pounds + rng.choice([0.29, 0.65, 0.95], size)).round(2)
    return products


def countries(rng: np.random.Generator, size: int, foreign: float) -> np.ndarray:
    """Draw where customers are: abroad with probability `foreign`.

    Parameters
    ----------
    rng : Generator
    size : int
        Number of customers.
    foreign : float
        0 to 1.

    Returns
    -------
    ndarray of shape (size,)
        Names of countries.
    """
    return np.where(rng.random(size) < foreign, rng.choice(FOREIGN, size), HOME)


def people(rng: np.random.Generator, customers: int) -> pd.DataFrame:
    """Invent the known customers: three who only return, 16446, the giant, and the rest in their groups."""
    # Five digits as in the original, as long as they are enough for all.
    numbers = np.arange(FIRST_CUSTOMER, max(LAST_CUSTOMER, FIRST_CUSTOMER + customers) + 1)
    ids = rng.choice(np.setdiff1d(numbers, int(ABSURD_CUSTOMER)), customers, replace=False)
    people = pd.DataFrame({"customer": ids.astype(str), "group": rng.permutation(members(GROUPS, customers))})
    people["country"] = countries(rng, customers, 0.1)
    people.loc[3, "customer"] = ABSURD_CUSTOMER
    people.loc[4, "group"] = GIANT
    people.loc[:4, "country"] = HOME
    people.loc[5:8, "country"] = np.repeat(ODD_COUNTRIES, 2)
    return people


def _times(rng: np.random.Generator, period: Period, first: np.ndarray, last: np.ndarray) -> pd.Series:
    """Draw opening hours between day `first` and day `last` of the period; Saturdays are closed."""
    day = pd.Series(period.start + days(rng.integers(first, np.asarray(last) + 1)))
    day += pd.to_timedelta((day.dt.day_of_week == 5).astype(int), unit="D")
    return day + pd.to_timedelta(rng.integers(8 * 60, 18 * 60, len(day)), unit="min")


def any_time(rng: np.random.Generator, period: Period, size: int) -> np.ndarray:
    """Draw `size` opening hours of the whole period.

    Parameters
    ----------
    rng : Generator
    period : Period
    size : int

    Returns
    -------
    ndarray of shape (size,)
        Times.
    """
    return _times(rng, period, np.zeros(size, int), np.full(size, period.days)).to_numpy()


def purchases(rng, people: pd.DataFrame, products: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Draw the visits of `people` as their group makes them; `invoice` numbers the visits.

    Parameters
    ----------
    rng : Generator
    people : DataFrame
        One row a customer, ``group`` its number in `GROUPS`.
    products : DataFrame
        ``stock_code``, ``description``, ``price``; the last `RETIRED` are no longer sold.
    period : Period

    Returns
    -------
    DataFrame
        One row an order line.
    """
    visits = people.loc[people.index.repeat(draw(rng, GROUPS, "visits", people["group"]))]
    active = np.array([group.active for group in GROUPS])[visits["group"]]
    first, last = (period.days * active).astype(int).T
    visits = visits.assign(at=_times(rng, period, first, last).to_numpy(), invoice=np.arange(len(visits)))
    lines = visits.iloc[np.repeat(visits["invoice"], draw(rng, GROUPS, "lines", visits["group"]))]
    on_sale = len(products) - RETIRED
    sold = products.iloc[(on_sale * rng.random(len(lines)) ** 2).astype(int)]  # few products sell most
    lines = lines.assign(stock_code=sold["stock_code"].to_numpy(), description=sold["description"].to_numpy())
    lines["quantity"] = draw(rng, GROUPS, "pieces", lines["group"])
    lines["price"] = (sold["price"].to_numpy() * np.where(lines["quantity"] >= 48, 0.85, 1)).round(2)
    return lines.drop(columns="group").reset_index(drop=True)
