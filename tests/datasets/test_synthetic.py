from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, calinski_harabasz_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from seg.datasets import synthetic
from seg.datasets.synthetic import samples, shop
from seg.datasets.synthetic.shop import ODD_COUNTRIES
from seg.errors import SegError

DATASETS = Path(__file__).parents[2] / "datasets"

GENERATORS = [
    synthetic.flo,
    synthetic.online_retail,
    synthetic.own_customers,
    synthetic.own_orders,
    synthetic.toy,
]
QUIRKS = {
    "lines without a customer": lambda t: t.customer == "",
    "exact duplicates": lambda t: t.duplicated(),
    "cancellations": lambda t: t.invoice.str.startswith("C") & (t.quantity < 0),
    "corrections of money": lambda t: t.invoice.str.startswith("A"),
    "negative pieces without a C": lambda t: ~t.invoice.str.startswith("C") & (t.quantity < 0),
    "empty descriptions": lambda t: t.description == "",
    "words for a missing description": lambda t: t.description.isin(["Unknown", "nan"]),
    "prices of 0 with a customer": lambda t: (t.price == 0) & (t.customer != ""),
    "prices below 0.04": lambda t: (t.price > 0) & (t.price < 0.04),
    "prices below 0": lambda t: t.price < 0,
    "codes with letters behind": lambda t: t.code.str.fullmatch(r"\d{5}[A-Z]+"),
    "codes with small letters behind": lambda t: t.code.str.fullmatch(r"\d{5}[a-z]+"),
    "trailing blanks": lambda t: t.description.str.endswith(" "),
    "commas in descriptions": lambda t: t.description.str.contains(","),
    "quotes in descriptions": lambda t: t.description.str.contains('"'),
    "pound signs": lambda t: t.description.str.contains("£"),
    "the absurd purchase": lambda t: (t.customer == "16446") & (t.quantity == 80995),
    "the absurd cancellation": lambda t: (t.customer == "16446") & (t.quantity == -80995),
    "customers with only returns": lambda t: t.groupby("customer").quantity.transform("max") < 0,
    "customers of two countries": lambda t: t.groupby("customer").country.transform("nunique") > 1,
    **{f"the code {code}": lambda t, code=code: t.code == code
       for code in ("POST", "D", "M", "DOT", "CRUK", "BANK CHARGES", "AMAZONFEE")},
    **{f"the country {name}": lambda t, name=name: t.country == name for name in ODD_COUNTRIES},
}  # fmt: skip


def read(name: str) -> pd.DataFrame:
    path = DATASETS / name / "sample.csv"
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding=synthetic.SAMPLES[name].encoding)


@pytest.fixture(scope="module")
def lines() -> dict[str, pd.DataFrame]:
    names = ["invoice", "code", "description", "quantity", "at", "price", "customer", "country"]
    samples = {}
    for name in ("online_retail", "online_retail_ii"):
        sample = read(name)
        sample = sample.rename(columns=dict(zip(sample.columns, names, strict=False)))
        sample["customer"] = sample["customer"].str.removesuffix(".0")
        sample["at"] = pd.to_datetime(
            sample["at"], format="%m/%d/%Y %H:%M" if name == "online_retail" else None
        )
        samples[name] = sample.astype({"quantity": int, "price": float})
    return samples


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return read("flo")


def behaviour(transactions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Work out standardised behaviour and planted segment of the toy's customers, returns left out."""
    bought = transactions[transactions.quantity > 0]
    end = bought.ordered_at.max().normalize() + pd.Timedelta(days=1)
    customers = bought.assign(revenue=bought.quantity * bought.unit_price).groupby("customer_id").agg(
        last=("ordered_at", "max"), orders=("order_id", "nunique"), revenue=("revenue", "sum"),
        planted=("planted", "first"),
    )  # fmt: skip
    recency_days = (end - customers["last"].dt.normalize()).dt.days
    X = np.column_stack([recency_days, np.log1p(customers.orders), np.log1p(customers.revenue)])
    return StandardScaler().fit_transform(X), customers.planted.to_numpy()


def test_the_shipped_samples_are_what_the_generators_write(tmp_path):
    written = synthetic.write_samples(tmp_path)
    assert {path.parent.name for path in written} == set(synthetic.SAMPLES)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(written)
    for path in written:
        shipped = DATASETS / path.relative_to(tmp_path)
        assert path.read_bytes() == shipped.read_bytes(), (
            f"{shipped} is stale: python -m seg.datasets.synthetic datasets"
        )
        assert path.stat().st_size < 900_000


def test_a_sample_that_cannot_be_written_leaves_the_old_one_alone(tmp_path, monkeypatch):
    old = tmp_path / "flo" / "sample.csv"
    old.parent.mkdir()
    old.write_text("old")
    pounds = samples.Sample(lambda: pd.DataFrame({"price": ["£1"]}), "sample.csv", "ascii")
    monkeypatch.setattr(samples, "SAMPLES", {"flo": pounds})
    with pytest.raises(UnicodeEncodeError):
        synthetic.write_samples(tmp_path)
    assert [path.read_text() for path in old.parent.iterdir()] == ["old"]


@pytest.mark.parametrize("generate", GENERATORS)
def test_a_seed_gives_the_same_table_and_another_seed_another(generate):
    pd.testing.assert_frame_equal(generate(customers=100, seed=1), generate(customers=100, seed=1))
    assert not generate(customers=100, seed=1).equals(generate(customers=100, seed=2))


def test_too_few_customers_are_an_error():
    with pytest.raises(SegError, match="got customers=5, expected at least 40"):
        synthetic.toy(customers=5)


def test_a_shop_like_online_retail_has_any_number_of_customers_and_those_of_small_ones_stay():
    many = shop.people(np.random.default_rng(0), 7_500)["customer"]
    assert many.nunique() == 7_500 and shop.ABSURD_CUSTOMER in set(many)
    few = shop.people(np.random.default_rng(0), 6_899)["customer"].astype(int)
    assert few.min() == 12_000 and few.max() == 18_899


@pytest.mark.parametrize(("customers", "seed"), [(200, 0), (1000, 7)])
def test_the_planted_segments_are_recovered_and_four_is_the_best_k(customers, seed):
    X, planted = behaviour(synthetic.toy(customers=customers, seed=seed))
    labels = {k: KMeans(k, n_init=10, random_state=seed).fit_predict(X) for k in range(2, 11)}
    mixed = GaussianMixture(4, random_state=seed).fit_predict(X)
    assert adjusted_rand_score(planted, labels[4]) == 1.0
    assert adjusted_rand_score(planted, mixed) == 1.0
    assert max(labels, key=lambda k: calinski_harabasz_score(X, labels[k])) == 4


def test_toy_returns_are_few_negative_and_do_not_change_the_last_day():
    transactions = synthetic.toy(customers=200, seed=1)
    is_return = transactions.order_id.str.startswith("C")
    assert (transactions.quantity[is_return] < 0).all() and (transactions.quantity[~is_return] > 0).all()
    assert 0.02 < is_return.mean() < 0.04
    day = transactions.ordered_at.dt.normalize()
    assert day.between("2024-01-01", "2024-12-31").all()
    last = day.groupby(transactions.customer_id).max()
    assert last.equals(day[~is_return].groupby(transactions.customer_id).max())
    assert (transactions.groupby("customer_id").planted.nunique() == 1).all()
    assert (transactions.unit_price > 0).all()


@pytest.mark.parametrize("name", ["online_retail", "online_retail_ii"])
@pytest.mark.parametrize("quirk", QUIRKS)
def test_the_retail_samples_have(lines, name, quirk):
    if name == "online_retail_ii" and quirk == "exact duplicates":
        assert lines[name].drop(columns="sheet").duplicated().sum() > lines[name].duplicated().sum() > 0
    assert QUIRKS[quirk](lines[name]).sum() > 0


@pytest.mark.parametrize("name", ["online_retail", "online_retail_ii"])
def test_a_quarter_of_the_retail_lines_has_no_customer_and_always_the_whole_invoice(lines, name):
    is_anonymous = lines[name].customer == ""
    assert 0.2 < is_anonymous.mean() < 0.3
    assert (is_anonymous.groupby(lines[name].invoice).nunique() == 1).all()


@pytest.mark.parametrize("name", ["online_retail", "online_retail_ii"])
def test_lines_without_a_description_have_neither_customer_nor_price(lines, name):
    missing = lines[name][lines[name].description.isin(["", "Unknown", "nan"])]
    assert (missing.customer == "").all() and (missing.price == 0).all()


def test_most_cancellations_undo_an_earlier_purchase_one_to_one_and_some_do_not(lines):
    known = lines["online_retail"].query("customer != ''").drop_duplicates()
    free = known[known.quantity > 0].groupby(["customer", "code", "quantity"])["at"].apply(sorted).to_dict()
    cancelled = known[known.invoice.str.startswith("C") & known.code.str.match(r"\d{5}")].sort_values("at")
    matched = 0
    for line in cancelled.itertuples():
        bought = free.get((line.customer, line.code, -line.quantity), [])
        if bought and bought[0] <= line.at:
            bought.pop(0)
            matched += 1
    assert 0.5 < matched / len(cancelled) < 0.9


def test_the_common_days_are_in_both_sheets_line_for_line(lines):
    sample = lines["online_retail_ii"]
    common = sample[sample["at"].between("2010-12-01", "2010-12-10")].drop(columns="description")
    older, newer = (
        common[common.sheet == sheet].drop(columns="sheet") for sheet in sorted(common.sheet.unique())
    )
    pd.testing.assert_frame_equal(older.reset_index(drop=True), newer.reset_index(drop=True))
    assert len(older) > 0


def test_every_flo_customer_has_ordered_in_both_channels_and_the_dates_agree(people):
    online, offline = people.last_order_date_online, people.last_order_date_offline  # ISO text sorts as dates
    assert (people.last_order_date == np.maximum(online, offline)).all()
    assert (people.first_order_date <= np.minimum(online, offline)).all()
    assert people.last_order_date.between("2020-05-30", "2021-05-30").all()
    is_offline = people.last_order_channel == "Offline"
    assert (people.last_order_date == offline)[is_offline].all()
    assert (people.last_order_date == online)[~is_offline].all()
    assert people.filter(like="order_num").astype(float).ge(1).all(axis=None)


def test_flo_texts_have_the_form_of_the_file_and_values_are_skewed(people):
    assert people.master_id.is_unique
    assert people.filter(like="order_num").apply(lambda c: c.str.fullmatch(r"\d+\.0")).all(axis=None)
    assert people.filter(like="customer_value").apply(lambda c: c.str.fullmatch(r"\d+\.\d\d?")).all(axis=None)
    assert people.interested_in_categories_12.str.fullmatch(r"\[([A-Z]+(, [A-Z]+)*)?\]").all()
    assert (people.interested_in_categories_12 == "[]").any()
    assert people.filter(like="total").astype(float).skew().gt(1).all()


# --- samples for one's own data


def test_the_sample_of_orders_is_the_toy_of_another_seed_without_its_truth():
    orders = read("transactions")
    assert orders.columns.tolist()[:3] == ["customer_id", "ordered_at", "amount"]
    assert "planted" not in orders
    toy = synthetic.toy(customers=300, seed=1)
    assert orders.customer_id.tolist() == toy.customer_id.tolist()
    assert orders.customer_id.nunique() == 300
    assert orders.ordered_at.str.fullmatch(r"2024-\d\d-\d\dT\d\d:\d\d:\d\d").all()
    assert (pd.to_datetime(orders.ordered_at) == toy.ordered_at).all()


def test_amounts_of_the_sample_of_orders_are_pieces_times_price_and_negative_for_returns():
    orders = read("transactions").astype({"amount": float, "quantity": int, "unit_price": float})
    assert orders.amount.to_numpy() == pytest.approx(
        (orders.quantity * orders.unit_price).to_numpy(), abs=0.005
    )
    is_return = orders.order_id.str.startswith("C")
    assert 0.02 < is_return.mean() < 0.04
    assert (orders.amount[is_return] < 0).all() and (orders.amount[~is_return] > 0).all()


def test_the_sample_of_customers_has_three_groups():
    customers = read("customers")
    assert customers.columns.tolist() == ["customer_id", "visits", "spend", "age"]
    assert len(customers) == customers.customer_id.nunique() == 400
    X = StandardScaler().fit_transform(customers[["visits", "spend", "age"]].astype(float))
    labels = {k: KMeans(k, n_init=10, random_state=0).fit_predict(X) for k in range(2, 9)}
    assert max(labels, key=lambda k: calinski_harabasz_score(X, labels[k])) == 3
    assert sorted(np.bincount(labels[3])) == [100, 120, 180]
