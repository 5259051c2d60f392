"""A stand-in for the FLO omnichannel file: one row a customer."""

import numpy as np
import pandas as pd

from seg.datasets.synthetic.draw import check_customers, days

CHANNELS = {"Android App": 0.476, "Mobile": 0.245, "Ios App": 0.142, "Desktop": 0.137}
CATEGORIES = {"AKTIFCOCUK": 0.18, "ERKEK": 0.32, "COCUK": 0.2, "KADIN": 0.4, "AKTIFSPOR": 0.48}


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
    check_customers(customers, 10)
    rng = np.random.default_rng(seed)
    people = _dates(rng, customers)
    online = np.ceil(rng.lognormal(0.55, 0.95, customers))
    offline = np.ceil(rng.lognormal(-0.1, 0.85, customers))
    # Two orders are one of each channel: the first is then the earlier of the two last ones.
    earlier = np.minimum(people["last_order_date_online"], people["last_order_date_offline"])
    people["first_order_date"] = people["first_order_date"].where(online + offline > 2, earlier)
    for column in people.columns[people.columns.str.contains("date")]:
        people[column] = people[column].dt.strftime("%Y-%m-%d")
    people["order_num_total_ever_online"] = online.astype(str)
    people["order_num_total_ever_offline"] = offline.astype(str)
    people["customer_value_total_ever_offline"] = _value(rng, offline, 130).astype(str)
    people["customer_value_total_ever_online"] = _value(rng, online, 145).astype(str)
    is_chosen = rng.random((customers, len(CATEGORIES))) < list(CATEGORIES.values())
    names = np.array(list(CATEGORIES))
    people["interested_in_categories_12"] = [f"[{', '.join(names[row])}]" for row in is_chosen]
    return people


def _dates(rng: np.random.Generator, customers: int) -> pd.DataFrame:
    """Draw ids, channels and dates: the last order of the last year, the other channel's, and the first."""
    channel, other = rng.choice(list(CHANNELS), (2, customers), p=list(CHANNELS.values()))
    is_offline = rng.random(customers) < 0.33
    last = pd.Timestamp("2021-05-30") - days(366 * rng.random(customers) ** 1.7)
    # Shops are recorded from 2019 on, the web for longer; both on one day is rare.
    gap = np.where(is_offline, 2200 * rng.random(customers) ** 4, 480 * rng.random(customers))
    before = last - days(np.where(rng.random(customers) < 0.01, 0, np.ceil(gap)))
    first = before - days(1800 * rng.random(customers) ** 3)
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


def _value(rng: np.random.Generator, orders: np.ndarray, typical: float) -> np.ndarray:
    """Price `orders` at about `typical` lira each; every price ends in .99, as in a shop."""
    spent = np.ceil(orders**0.95 * typical * rng.lognormal(0, 0.55, orders.size)).clip(13)
    return (spent - 0.01 * orders).round(2)
