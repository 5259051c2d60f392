"""Stand-ins for UCI Online Retail and Online Retail II: order lines with the quirks that cleaning treats."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from seg.datasets.synthetic import shop
from seg.datasets.synthetic.draw import check_customers, days
from seg.datasets.synthetic.shop import Period

ABSURD_PIECES = 80995
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
COLUMNS = {
    "invoice_no": "InvoiceNo",
    "stock_code": "StockCode",
    "description": "Description",
    "quantity": "Quantity",
    "at": "InvoiceDate",
    "price": "UnitPrice",
    "customer": "CustomerID",
    "country": "Country",
}


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
    lines = _lines(customers, seed, shop.YEAR)
    at = lines["at"].dt
    date = at.month.astype(str) + "/" + at.day.astype(str) + "/" + at.year.astype(str)
    lines["at"] = date + " " + at.hour.astype(str) + ":" + at.minute.astype(str).str.zfill(2)
    return lines[list(COLUMNS)].rename(columns=COLUMNS)


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
    lines = _lines(customers, seed, shop.TWO_YEARS)
    older = lines[lines["at"] < "2010-12-10"].assign(sheet="Year 2009-2010")
    older["description"] = older["description"].replace("Unknown", "nan")
    newer = lines[lines["at"] >= "2010-12-01"].assign(sheet="Year 2010-2011")
    both = pd.concat([older, newer], ignore_index=True)
    both["at"] = both["at"].dt.strftime("%Y-%m-%d %H:%M:%S")
    both["customer"] = both["customer"].where(both["customer"] == "", both["customer"] + ".0")
    names = COLUMNS | {"invoice_no": "Invoice", "price": "Price", "customer": "Customer ID"}
    return both[[*names, "sheet"]].rename(columns=names)


def _lines(customers: int, seed: int, period: Period) -> pd.DataFrame:
    """Draw the retail world, ordered by time; `at` is still a time, all else is the text of the file."""
    check_customers(customers, 100)
    rng = np.random.default_rng(seed)
    products = shop.catalogue(rng)
    people = shop.people(rng, customers)
    lines = _odd_lines(rng, shop.purchases(rng, people.iloc[4:], products, period))
    # A quarter of all lines is a third of the known ones; an anonymous invoice has ten and a half on average.
    size = round(len(lines) / 3 / 10.5)
    strangers = pd.DataFrame(
        {"customer": "", "group": shop.ANONYMOUS, "country": shop.countries(rng, size, 0.02)}
    )
    anonymous = shop.purchases(rng, strangers, products, period)
    anonymous["invoice"] += FIRST_ANONYMOUS
    anonymous["price"] = (anonymous["price"] * 1.9 + 0.01).round(2)  # single pieces cost the public more
    parts = [
        lines,
        lines.sample(frac=0.012, random_state=rng),
        anonymous,
        _postage(lines),
        _cancellations(rng, lines, period),
        _old_returns(rng, people, products, period),
        _corrections(rng, round(0.004 * len(lines)), products, period),
        _fees(rng, lines, period),
        _absurd(products, period),
    ]
    return _numbered(pd.concat(parts, ignore_index=True))


def _odd_lines(rng: np.random.Generator, lines: pd.DataFrame) -> pd.DataFrame:
    """Set a price of about 0 in a few lines of known customers, and move one customer abroad."""
    rows = rng.choice(len(lines), 10, replace=False)
    price = lines["price"].to_numpy(copy=True)
    price[rows] = [0, 0, 0, 0, 0, 0.001, 0.01, 0.02, 0.03, 0.03]
    mover = lines.loc[lines["country"].isin(shop.FOREIGN), "customer"].value_counts(sort=False).idxmax()
    is_mover = lines["customer"] == mover
    has_moved = is_mover & (lines["at"] > lines.loc[is_mover, "at"].median())
    return lines.assign(price=price, country=lines["country"].mask(has_moved, "Cyprus"))


def _postage(lines: pd.DataFrame) -> pd.DataFrame:
    visits = lines.drop_duplicates("invoice")
    visits = visits[visits["country"].isin(shop.FOREIGN)]
    return visits.assign(stock_code="POST", description="POSTAGE", quantity=1, price=18.0)


def _cancellations(rng: np.random.Generator, lines: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Undo some purchases one to five weeks later, three in four of them wholly."""
    undone = lines.sample(frac=0.024, random_state=rng).drop(columns="invoice").assign(prefix="C")
    is_whole = rng.random(len(undone)) < 0.75
    undone["quantity"] = -np.where(is_whole, undone["quantity"], undone["quantity"] // 2 + 1)
    undone["at"] += days(7 * rng.integers(1, 6, len(undone)))
    return undone[undone["at"] < period.end + pd.Timedelta(days=1)]


def _old_returns(rng, people: pd.DataFrame, products: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Return what was bought before the period: the first three people do nothing else."""
    who = pd.concat(
        [people.head(3), people.head(3), people.iloc[4:].sample(len(people) // 30, random_state=rng)]
    )
    what = products.tail(shop.RETIRED).sample(len(who), replace=True, random_state=rng)
    lines = what.assign(customer=who["customer"].to_numpy(), country=who["country"].to_numpy(), prefix="C")
    return lines.assign(quantity=-rng.integers(1, 13, len(who)), at=shop.any_time(rng, period, len(who)))


def _corrections(rng, size: int, products: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Book stock up or down: one line an invoice, no customer, price 0, a remark for a description."""
    remark = np.resize(REMARKS, size)
    is_found = np.isin(remark, ["", "Unknown"]) & (rng.random(size) < 0.4)
    lines = products.sample(size, replace=True, random_state=rng).assign(description=remark, price=0.0)
    lines["quantity"] = rng.integers(1, 240, size) * np.where(is_found, 1, -1)
    return lines.assign(at=shop.any_time(rng, period, size), customer="", country=shop.HOME)


def _fees(rng: np.random.Generator, lines: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Book fees, vouchers and corrections of money, in proportion to the lines of goods."""
    fees = pd.DataFrame(FEES)
    copies = (fees["per_10k"] * len(lines) * 4 / 3 / 10_000).round().clip(2).astype(int)
    fees = fees.loc[fees.index.repeat(copies)].reset_index(drop=True)
    low, high = np.array(fees["price"].tolist()).T
    fees["price"] = np.where(low == high, low, rng.uniform(low, high).round(2))
    payer = lines.sample(len(fees), random_state=rng).reset_index(drop=True)
    fees["customer"] = payer["customer"].where(fees["known"], "")
    fees["country"] = payer["country"].where(fees["known"], shop.HOME)
    return fees.assign(at=shop.any_time(rng, period, len(fees)))


def _absurd(products: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Add the orders of customer 16446: two small things, and on the last day 80,995 pieces by mistake."""
    lines = products.iloc[[0, 1, 2, 2]].assign(
        customer=shop.ABSURD_CUSTOMER, country=shop.HOME, prefix=["", "", "", "C"]
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
