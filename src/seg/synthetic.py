"""Seeded stand-ins for the data sets: a toy with known segments, and samples with the quirks of real files.

    python -m seg.synthetic datasets

rewrites `datasets/<name>/sample.csv` in about a second, byte for byte as they are under version control. No
row comes from a real file: codes, names, prices and people are drawn; only formats and rates are theirs.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from seg.errors import SegError


class Planted(NamedTuple):
    """One segment of the toy; every pair is a closed range."""

    share: float
    recency_days: tuple[int, int]
    window_days: int  # the first order is at most this many days before the end of the year
    orders: tuple[int, int]
    revenue: tuple[int, int]
    lines: tuple[int, int]


# Far apart and never constant on one axis: k-means from any start and full-covariance mixtures both find
# them, and no component of a mixture can collapse on a single number of orders.
PLANTED = (
    Planted(0.15, (1, 40), 366, (22, 36), (12000, 24000), (1, 2)),  # loyal big spenders
    Planted(0.25, (100, 150), 366, (17, 27), (300, 600), (1, 2)),  # frequent small baskets
    Planted(0.35, (290, 350), 366, (2, 3), (110, 240), (1, 2)),  # lapsed after two or three orders
    Planted(0.25, (1, 45), 60, (2, 3), (28, 60), (1, 1)),  # recent newcomers
)


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
ABSURD_CUSTOMER, ABSURD_PIECES = "16446", 80995
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
# Three in four stock corrections have no description, the others a word of the warehouse.
REMARKS = ("", "", "Unknown", "damaged", "", "", "Unknown", "check", "", "", "Unknown", "?")


class Fee(NamedTuple):
    """A line that is no product: `per_10k` of them in 10,000 lines, never fewer than two."""

    stock_code: str
    description: str
    prefix: str
    quantity: int
    known: bool
    per_10k: float
    price: tuple[float, float]


FEES = (
    Fee("DOT", "DOTCOM POSTAGE", "", 1, False, 13, (20, 900)),
    Fee("M", "Manual", "", 1, True, 8, (1, 300)),
    Fee("M", "Manual", "C", -1, True, 3, (1, 300)),
    Fee("m", "Manual", "", 1, True, 1, (1, 10)),
    Fee("D", "Discount", "C", -1, True, 3, (5, 120)),
    Fee("S", "SAMPLES", "C", -1, False, 1, (1, 60)),
    Fee("BANK CHARGES", "Bank Charges", "", 1, True, 1, (15, 15)),
    Fee("CRUK", "CRUK Commission", "C", -1, True, 1, (2, 600)),
    Fee("AMAZONFEE", "AMAZON FEE", "C", -1, False, 1, (4000, 9000)),
    Fee("PADS", "CUSHION PADS", "", 1, True, 1, (0.001, 0.001)),
    Fee("B", "Adjust bad debt", "A", 1, False, 1, (-9500, -6000)),
    Fee("gift_0001_20", "Gift Voucher £20.00", "", 1, False, 2, (16.67, 16.67)),
    Fee("gift_0001_50", "Gift Voucher £50.00", "", 1, False, 2, (41.67, 41.67)),
)
FIRST_INVOICE, FIRST_ANONYMOUS, FIRST_SINGLE = 700001, 10**7, 10**8
RETAIL_COLUMNS = {
    "invoice_no": "InvoiceNo",
    "stock_code": "StockCode",
    "description": "Description",
    "quantity": "Quantity",
    "at": "InvoiceDate",
    "price": "UnitPrice",
    "customer": "CustomerID",
    "country": "Country",
}

FLO_CHANNELS = {"Android App": 0.476, "Mobile": 0.245, "Ios App": 0.142, "Desktop": 0.137}
FLO_CATEGORIES = {"AKTIFCOCUK": 0.18, "ERKEK": 0.32, "COCUK": 0.2, "KADIN": 0.4, "AKTIFSPOR": 0.48}


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


def _check_customers(customers: int, least: int) -> None:
    if customers < least:
        raise SegError(f"got customers={customers}, expected at least {least}: ask for more customers")


def _draw(rng: np.random.Generator, groups: tuple, field: str, members: np.ndarray) -> np.ndarray:
    """Draw one integer per member from the range that its group has in `field`, both ends included."""
    low, high = np.array([getattr(group, field) for group in groups])[members].T
    return rng.integers(low, high + 1)


def _members(groups: tuple, size: int) -> np.ndarray:
    """Give `size` customers their group number, in exact proportion to the groups' shares."""
    edges = np.cumsum([group.share for group in groups])
    return np.searchsorted(edges, (np.arange(size) + 0.5) / size)


def toy(customers: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Draw the orders of 2024 of customers who belong to four planted, well separated segments.

    Parameters
    ----------
    customers : int
        Number of customers, at least 40; the segments hold 15, 25, 35 and 25 % of them.
    seed : int
        Seed of the generator.

    Returns
    -------
    pandas.DataFrame
        One row an order line, ordered by time: customer_id, order_id, ordered_at (naive), product_id,
        quantity (pieces), unit_price, country and planted, the true segment: 0 loyal big spenders, 1 frequent
        small baskets, 2 lapsed, 3 newcomers.

    Notes
    -----
    About 3 % of the lines are returns: negative pieces, an order_id that starts with "C", booked an hour
    after the customer's last order, so that recency is the same with and without them. With returns left out,
    k-means and a full-covariance mixture with k = 4 on the standardised recency_days (from the last order to
    the day after the newest), log1p(orders) and log1p(revenue) recover `planted` exactly.
    """
    _check_customers(customers, 40)
    rng = np.random.default_rng(seed)
    planted = rng.permutation(_members(PLANTED, customers))
    lines = _toy_lines(rng, planted)
    lines = pd.concat([lines, _toy_returns(rng, lines)], ignore_index=True)
    lines["country"] = rng.choice(["Germany", "France", "Netherlands", "Spain"], customers)[lines["customer"]]
    lines["planted"] = planted[lines["customer"]]
    lines["customer_id"] = lines["customer"].map("T{:05d}".format)
    columns = [
        "customer_id",
        "order_id",
        "ordered_at",
        "product_id",
        "quantity",
        "unit_price",
        "country",
        "planted",
    ]
    return lines.sort_values(["ordered_at", "order_id"], kind="stable", ignore_index=True)[columns]


def _toy_orders(rng: np.random.Generator, planted: np.ndarray) -> pd.DataFrame:
    recency = _draw(rng, PLANTED, "recency_days", planted)
    recency[np.argmax(planted == 0)] = 1  # someone orders on the last day, so that recency counts from there
    customer = np.repeat(np.arange(planted.size), _draw(rng, PLANTED, "orders", planted))
    is_last = np.r_[customer[1:] != customer[:-1], True]
    window = np.array([segment.window_days for segment in PLANTED])[planted[customer]]
    age = np.where(is_last, recency[customer], rng.integers(recency[customer], window + 1))
    minutes = 8 * 60 + np.where(is_last, 12 * 60, rng.integers(0, 12 * 60, age.size))
    placed = (
        pd.Timestamp("2025-01-01") - pd.to_timedelta(age, unit="D") + pd.to_timedelta(minutes, unit="min")
    )
    number = 100001 + np.argsort(np.argsort(placed, kind="stable"))
    return pd.DataFrame({"customer": customer, "order_id": number.astype(str), "ordered_at": placed})


def _toy_lines(rng: np.random.Generator, planted: np.ndarray) -> pd.DataFrame:
    """Draw the purchase lines; what a customer spends is drawn first and shared out over the lines."""
    orders = _toy_orders(rng, planted)
    lines = orders.loc[orders.index.repeat(_draw(rng, PLANTED, "lines", planted[orders["customer"]]))]
    lines = lines.reset_index(drop=True)
    weight = pd.Series(rng.uniform(0.7, 1.3, len(lines)))
    part = weight / weight.groupby(lines["customer"]).transform("sum")
    revenue = _draw(rng, PLANTED, "revenue", planted)
    lines["product_id"] = [f"P{n:02d}" for n in rng.integers(1, 41, len(lines))]
    lines["quantity"] = rng.integers(1, 5, len(lines))
    lines["unit_price"] = (part * revenue[lines["customer"]] / lines["quantity"]).round(2)
    return lines


def _toy_returns(rng: np.random.Generator, lines: pd.DataFrame) -> pd.DataFrame:
    returned = np.sort(rng.choice(len(lines), round(0.03 * len(lines)), replace=False))
    booked = lines.groupby("customer")["ordered_at"].transform("max") + pd.Timedelta(hours=1)
    order_id = "C" + lines["order_id"]
    return lines.assign(order_id=order_id, ordered_at=booked, quantity=-lines["quantity"]).iloc[returned]


def flo(customers: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Draw customers in the raw form of the FLO omnichannel file.

    Parameters
    ----------
    customers : int
        Number of rows, at least 10.
    seed : int
        Seed of the generator.

    Returns
    -------
    pandas.DataFrame
        One row a customer, the twelve columns of the file, all text as in the file: ISO dates, counts like
        `4.0`, values in lira like `139.99`, categories like `[ERKEK, COCUK]`.

    Notes
    -----
    As in the original everybody has bought both online and offline; the first order is not after either
    channel's last one, and the last order is the later of the two.
    """
    _check_customers(customers, 10)
    rng = np.random.default_rng(seed)
    people = _flo_dates(rng, customers)
    online = np.ceil(rng.lognormal(0.55, 0.95, customers))
    offline = np.ceil(rng.lognormal(-0.1, 0.85, customers))
    # Two orders are one of each channel: the first is then the earlier of the two last ones.
    earlier = np.minimum(people["last_order_date_online"], people["last_order_date_offline"])
    people["first_order_date"] = people["first_order_date"].where(online + offline > 2, earlier)
    for column in people.columns[people.columns.str.contains("date")]:
        people[column] = people[column].dt.strftime("%Y-%m-%d")
    people["order_num_total_ever_online"] = online.astype(str)
    people["order_num_total_ever_offline"] = offline.astype(str)
    people["customer_value_total_ever_offline"] = _flo_value(rng, offline, 130).astype(str)
    people["customer_value_total_ever_online"] = _flo_value(rng, online, 145).astype(str)
    is_chosen = rng.random((customers, len(FLO_CATEGORIES))) < list(FLO_CATEGORIES.values())
    names = np.array(list(FLO_CATEGORIES))
    people["interested_in_categories_12"] = [f"[{', '.join(names[row])}]" for row in is_chosen]
    return people


def _flo_dates(rng: np.random.Generator, customers: int) -> pd.DataFrame:
    """Draw ids, channels and dates: the last order of the last year, the other channel's, and the first."""
    channel, other = rng.choice(list(FLO_CHANNELS), (2, customers), p=list(FLO_CHANNELS.values()))
    is_offline = rng.random(customers) < 0.33
    last = pd.Timestamp("2021-05-30") - _days(366 * rng.random(customers) ** 1.7)
    # Shops are recorded from 2019 on, the web for longer; both on one day is rare.
    gap = np.where(is_offline, 2200 * rng.random(customers) ** 4, 480 * rng.random(customers))
    before = last - _days(np.where(rng.random(customers) < 0.01, 0, np.ceil(gap)))
    first = before - _days(1800 * rng.random(customers) ** 3)
    return pd.DataFrame(
        {
            "master_id": [f"00000000-0000-4000-8000-{n:012x}" for n in rng.integers(0, 2**48, customers)],
            "order_channel": channel,
            "last_order_channel": np.where(
                is_offline, "Offline", np.where(rng.random(customers) < 0.85, channel, other)
            ),
            "first_order_date": first.where(first >= pd.Timestamp("2013-01-14"), before),
            "last_order_date": last,
            "last_order_date_online": np.where(is_offline, before, last),
            "last_order_date_offline": np.where(is_offline, last, before),
        }
    )


def _days(amounts: np.ndarray) -> pd.TimedeltaIndex:
    return pd.to_timedelta(np.asarray(amounts).astype(int), unit="D")


def _flo_value(rng: np.random.Generator, orders: np.ndarray, typical: float) -> np.ndarray:
    """Price `orders` at about `typical` lira each; every price ends in .99, as in a shop."""
    spent = np.ceil(orders**0.95 * typical * rng.lognormal(0, 0.55, orders.size)).clip(13)
    return (spent - 0.01 * orders).round(2)


def online_retail(customers: int = 400, seed: int = 0) -> pd.DataFrame:
    """Draw a year of order lines in the CSV form of UCI Online Retail, with the quirks that cleaning treats.

    Parameters
    ----------
    customers : int
        Number of known customers, at least 100.
    seed : int
        Seed of the generator.

    Returns
    -------
    pandas.DataFrame
        One row a line, the eight columns of the file, all text; what is missing is empty.

    Notes
    -----
    The quirks, about as frequent as in the original: (1) a quarter of the lines has no customer, always a
    whole invoice; (2) exact duplicates; (3) cancellations `C...`: most undo one earlier line, some a part of
    it, some a purchase from before the period; (4) stock corrections: negative pieces without a `C`, or no
    description (empty or `Unknown`), never with a customer and always at price 0; (5) fees and postage under
    letter-only codes; (6) prices of 0, of less than 0.04 and below 0; (7) countries that are none;
    (8) customer 16446, who buys and cancels 80,995 pieces; customers with only returns; a giant; one who
    moves abroad; (9) pound signs, commas, quotes and trailing blanks in descriptions.
    """
    lines = _retail_lines(customers, seed, YEAR)
    at = lines["at"].dt
    date = at.month.astype(str) + "/" + at.day.astype(str) + "/" + at.year.astype(str)
    lines["at"] = date + " " + at.hour.astype(str) + ":" + at.minute.astype(str).str.zfill(2)
    return lines[list(RETAIL_COLUMNS)].rename(columns=RETAIL_COLUMNS)


def online_retail_ii(customers: int = 400, seed: int = 0) -> pd.DataFrame:
    """Draw two years in the columns of UCI Online Retail II and `sheet`, in the world of `online_retail`.

    Parameters
    ----------
    customers : int
        Number of known customers, at least 100.
    seed : int
        Seed of the generator.

    Returns
    -------
    pandas.DataFrame
        One row a line, the eight columns of the workbook and the name of its sheet, all text: ISO times,
        customers like `13085.0`; what is missing is empty.

    Notes
    -----
    The days from 2010-12-01 to 2010-12-09 are in both sheets, line for line. A missing description is empty
    or a word, and the word differs: `nan` in the first sheet, `Unknown` in the second.
    """
    lines = _retail_lines(customers, seed, TWO_YEARS)
    older = lines[lines["at"] < "2010-12-10"].assign(sheet="Year 2009-2010")
    older["description"] = older["description"].replace("Unknown", "nan")
    newer = lines[lines["at"] >= "2010-12-01"].assign(sheet="Year 2010-2011")
    both = pd.concat([older, newer], ignore_index=True)
    both["at"] = both["at"].dt.strftime("%Y-%m-%d %H:%M:%S")
    both["customer"] = both["customer"].where(both["customer"] == "", both["customer"] + ".0")
    names = RETAIL_COLUMNS | {"invoice_no": "Invoice", "price": "Price", "customer": "Customer ID"}
    return both[[*names, "sheet"]].rename(columns=names)


def _retail_lines(customers: int, seed: int, period: Period) -> pd.DataFrame:
    """Draw the retail world, ordered by time; `at` is still a time, all else is the text of the file."""
    _check_customers(customers, 100)
    rng = np.random.default_rng(seed)
    products = _catalogue(rng)
    people = _people(rng, customers)
    known = _odd_lines(rng, _purchases(rng, people.iloc[4:], products, period))
    # A quarter of all lines is a third of the known ones; an anonymous invoice has ten and a half on average.
    size = round(len(known) / 3 / 10.5)
    strangers = pd.DataFrame({"customer": "", "group": ANONYMOUS, "country": _countries(rng, size, 0.02)})
    anonymous = _purchases(rng, strangers, products, period)
    anonymous["invoice"] += FIRST_ANONYMOUS
    anonymous["price"] = (anonymous["price"] * 1.9 + 0.01).round(2)  # single pieces cost the public more
    parts = [
        known,
        known.sample(frac=0.012, random_state=rng),
        anonymous,
        _postage(known),
        _cancellations(rng, known, period),
        _old_returns(rng, people, products, period),
        _corrections(rng, round(0.004 * len(known)), products, period),
        _fees(rng, known, period),
        _absurd(products, period),
    ]
    return _numbered(pd.concat(parts, ignore_index=True))


def _catalogue(rng: np.random.Generator, size: int = 300) -> pd.DataFrame:
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


def _countries(rng: np.random.Generator, size: int, foreign: float) -> np.ndarray:
    return np.where(rng.random(size) < foreign, rng.choice(FOREIGN, size), HOME)


def _people(rng: np.random.Generator, customers: int) -> pd.DataFrame:
    """Invent the known customers: three who only return, 16446, the giant, and the rest in their groups."""
    ids = rng.choice(np.setdiff1d(np.arange(12000, 18900), int(ABSURD_CUSTOMER)), customers, replace=False)
    people = pd.DataFrame(
        {"customer": ids.astype(str), "group": rng.permutation(_members(GROUPS, customers))}
    )
    people["country"] = _countries(rng, customers, 0.1)
    people.loc[3, "customer"] = ABSURD_CUSTOMER
    people.loc[4, "group"] = GIANT
    people.loc[:4, "country"] = HOME
    people.loc[5:8, "country"] = np.repeat(ODD_COUNTRIES, 2)
    return people


def _times(rng: np.random.Generator, period: Period, first: np.ndarray, last: np.ndarray) -> pd.Series:
    """Draw opening hours between day `first` and day `last` of the period; Saturdays are closed."""
    day = pd.Series(period.start + _days(rng.integers(first, np.asarray(last) + 1)))
    day += pd.to_timedelta((day.dt.day_of_week == 5).astype(int), unit="D")
    return day + pd.to_timedelta(rng.integers(8 * 60, 18 * 60, len(day)), unit="min")


def _any_time(rng: np.random.Generator, period: Period, size: int) -> np.ndarray:
    return _times(rng, period, np.zeros(size, int), np.full(size, period.days)).to_numpy()


def _purchases(rng, people: pd.DataFrame, products: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Let `people` visit the shop as their group does; `invoice` numbers the visits."""
    visits = people.loc[people.index.repeat(_draw(rng, GROUPS, "visits", people["group"]))]
    active = np.array([group.active for group in GROUPS])[visits["group"]]
    first, last = (period.days * active).astype(int).T
    visits = visits.assign(at=_times(rng, period, first, last).to_numpy(), invoice=np.arange(len(visits)))
    lines = visits.iloc[np.repeat(visits["invoice"], _draw(rng, GROUPS, "lines", visits["group"]))]
    on_sale = len(products) - RETIRED
    sold = products.iloc[(on_sale * rng.random(len(lines)) ** 2).astype(int)]  # few products sell most
    lines = lines.assign(stock_code=sold["stock_code"].to_numpy(), description=sold["description"].to_numpy())
    lines["quantity"] = _draw(rng, GROUPS, "pieces", lines["group"])
    lines["price"] = (sold["price"].to_numpy() * np.where(lines["quantity"] >= 48, 0.85, 1)).round(2)
    return lines.drop(columns="group").reset_index(drop=True)


def _odd_lines(rng: np.random.Generator, known: pd.DataFrame) -> pd.DataFrame:
    """Give a few lines of known customers a price of about 0, and let one customer move abroad."""
    rows = rng.choice(len(known), 10, replace=False)
    price = known["price"].to_numpy(copy=True)
    price[rows] = [0, 0, 0, 0, 0, 0.001, 0.01, 0.02, 0.03, 0.03]
    mover = known.loc[known["country"].isin(FOREIGN), "customer"].value_counts(sort=False).idxmax()
    is_mover = known["customer"] == mover
    has_moved = is_mover & (known["at"] > known.loc[is_mover, "at"].median())
    return known.assign(price=price, country=known["country"].mask(has_moved, "Cyprus"))


def _postage(known: pd.DataFrame) -> pd.DataFrame:
    visits = known.drop_duplicates("invoice")
    visits = visits[visits["country"].isin(FOREIGN)]
    return visits.assign(stock_code="POST", description="POSTAGE", quantity=1, price=18.0)


def _cancellations(rng: np.random.Generator, known: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Undo some purchases one to five weeks later, three in four of them wholly."""
    undone = known.sample(frac=0.024, random_state=rng).drop(columns="invoice").assign(prefix="C")
    is_whole = rng.random(len(undone)) < 0.75
    undone["quantity"] = -np.where(is_whole, undone["quantity"], undone["quantity"] // 2 + 1)
    undone["at"] += _days(7 * rng.integers(1, 6, len(undone)))
    return undone[undone["at"] < period.end + pd.Timedelta(days=1)]


def _old_returns(rng, people: pd.DataFrame, products: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Return what was bought before the period: the first three people do nothing else."""
    who = pd.concat(
        [people.head(3), people.head(3), people.iloc[4:].sample(len(people) // 30, random_state=rng)]
    )
    what = products.tail(RETIRED).sample(len(who), replace=True, random_state=rng)
    lines = what.assign(customer=who["customer"].to_numpy(), country=who["country"].to_numpy(), prefix="C")
    return lines.assign(quantity=-rng.integers(1, 13, len(who)), at=_any_time(rng, period, len(who)))


def _corrections(rng, size: int, products: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Book stock up or down: one line an invoice, no customer, price 0, a remark for a description."""
    remark = np.resize(REMARKS, size)
    is_found = np.isin(remark, ["", "Unknown"]) & (rng.random(size) < 0.4)
    lines = products.sample(size, replace=True, random_state=rng).assign(description=remark, price=0.0)
    lines["quantity"] = rng.integers(1, 240, size) * np.where(is_found, 1, -1)
    return lines.assign(at=_any_time(rng, period, size), customer="", country=HOME)


def _fees(rng: np.random.Generator, known: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Book fees, vouchers and corrections of money, in proportion to the lines of goods."""
    fees = pd.DataFrame(FEES)
    copies = (fees["per_10k"] * len(known) * 4 / 3 / 10_000).round().clip(2).astype(int)
    fees = fees.loc[fees.index.repeat(copies)].reset_index(drop=True)
    low, high = np.array(fees["price"].tolist()).T
    fees["price"] = np.where(low == high, low, rng.uniform(low, high).round(2))
    payer = known.sample(len(fees), random_state=rng).reset_index(drop=True)
    fees["customer"] = payer["customer"].where(fees["known"], "")
    fees["country"] = payer["country"].where(fees["known"], HOME)
    return fees.assign(at=_any_time(rng, period, len(fees)))


def _absurd(products: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Let customer 16446 order two small things, and on the last day 80,995 pieces by mistake."""
    lines = products.iloc[[0, 1, 2, 2]].assign(
        customer=ABSURD_CUSTOMER, country=HOME, prefix=["", "", "", "C"]
    )
    lines["quantity"] = [1, 1, ABSURD_PIECES, -ABSURD_PIECES]
    ordered, mistaken = period.end - pd.Timedelta(days=205, hours=-10), period.end + pd.Timedelta(hours=9)
    return lines.assign(at=[ordered, ordered, mistaken, mistaken + pd.Timedelta(minutes=12)])


def _numbered(lines: pd.DataFrame) -> pd.DataFrame:
    """Order by time, number the invoices in that order and turn all but `at` into the text of the file."""
    single = pd.Series(FIRST_SINGLE + np.arange(len(lines)))
    lines = lines.assign(prefix=lines["prefix"].fillna(""), invoice=lines["invoice"].fillna(single))
    lines = lines.sort_values(["at", "invoice"], kind="stable", ignore_index=True)
    number = FIRST_INVOICE + pd.factorize(lines["invoice"])[0]
    lines["invoice_no"] = lines["prefix"] + pd.Series(number).astype(str)
    lines["quantity"] = lines["quantity"].astype(int).astype(str)
    lines["price"] = lines["price"].map(str)  # the shortest text that reads back as the same number
    return lines


class Sample(NamedTuple):
    """How the sample file of a data set is made."""

    generate: Callable[[], pd.DataFrame]
    file_name: str
    encoding: str


SAMPLES = {
    "flo": Sample(flo, "sample.csv", "utf-8"),
    "online_retail": Sample(online_retail, "sample.csv", "windows-1252"),
    "online_retail_ii": Sample(partial(online_retail_ii, customers=300), "sample.csv", "utf-8"),
}


def write_samples(folder: str | Path = "datasets") -> list[Path]:
    """Write the sample file of every data set to `<folder>/<data set>/`, each under a temporary name first.

    Parameters
    ----------
    folder : str or pathlib.Path
        Folder of the data sets; it is made if it is not there.

    Returns
    -------
    list of pathlib.Path
        The files written; their bytes depend on nothing but the generators' seeds.
    """
    return [_write_sample(Path(folder) / name, sample) for name, sample in SAMPLES.items()]


def _write_sample(folder: Path, sample: Sample) -> Path:
    text = sample.generate().to_csv(index=False, lineterminator="\n")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / sample.file_name
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(text.encode(sample.encoding))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


if __name__ == "__main__":
    for written in write_samples(*sys.argv[1:2]):
        print(f"{written}: {written.stat().st_size:,} bytes")
