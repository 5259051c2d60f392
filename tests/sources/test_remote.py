"""Sources beside files, each from a real server: the same rows, the same strict reading, errors without secrets."""

from __future__ import annotations

import copy
import datetime
import functools
import sqlite3
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf
from pyarrow import fs

import local_servers
from seg.config import compose, folders, load
from seg.config.data_names import data_name
from seg.errors import SegError
from seg.pipeline import keys
from seg.preparation import prepare
from seg.sinks.delta_lake import DeltaLake
from seg.sources import locate
from seg.sources.remote import object_store, row_snapshot, sql_rows, staging
from seg.sources.remote.request import Request, is_remote

ROWS = [
    ("a", datetime.datetime(2024, 1, 5, 10), 12.5, 'O\'Neil, "Ann"'),
    ("b", datetime.datetime(2024, 2, 29, 23, 30), 7.25, "zażółć\nline"),
    ("a", datetime.datetime(2024, 3, 1), 3.0, ""),
    ("c", datetime.datetime(2024, 3, 2), 1.0, None),
]
NAMES = ["customer_id", "ordered_at", "amount", "description"]
CSV = "customer_id,ordered_at,amount\n" + "".join(
    f"{c},{at.isoformat()},{money}\n" for c, at, money, _ in ROWS
)
COLUMNS = ["dataset.columns.description=description"]


@pytest.fixture(autouse=True)
def fresh():
    staging.forget()
    yield
    staging.forget()


@pytest.fixture
def endpoint(s3, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    return fs.S3FileSystem(endpoint_override=s3)


@pytest.fixture(scope="module")
def shop(postgres):
    import psycopg

    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE SCHEMA sales")
        connection.execute(
            "CREATE TABLE sales.orders (customer_id varchar(9), ordered_at timestamp, amount numeric(12,2), description text, "
            "big bigint, at timestamptz DEFAULT '2024-01-01 00:30+02', ok bool DEFAULT true, free numeric DEFAULT 1.5)"
        )
        for number, row in enumerate(ROWS):
            connection.execute("INSERT INTO sales.orders VALUES (%s, %s, %s, %s, %s)", (*row, 2**60 + number))
    return postgres


@functools.cache
def composed():
    folders.prepare_environment()
    return compose.compose(["dataset=transactions", "cleaning=none"])


def read(*overrides: str):
    """Read and clean as a run does; return the rows, the fingerprint and the source."""
    cfg = copy.deepcopy(composed())
    for override in overrides:
        key, _, value = override.partition("=")
        OmegaConf.update(cfg, key, value)
    settings = load.settings(cfg)
    parts = compose.instantiate_parts(cfg)
    source, _ = prepare.find(settings.dataset, settings.data_dir)
    with parts.connect() as engine:
        rows = engine.collect(prepare.read(settings.preparation, parts, engine, source).table)
    rows = rows.sort_values(["customer_id", "ordered_at"], ignore_index=True)
    return rows, keys.fingerprint(settings.dataset, source), source


def fetched(path: str, table: str | None = None, query: str | None = None) -> tuple[pa.Table, str]:
    """Return the rows of a source as they were fetched, and what tells them from any other."""
    source = locate.fetched("t", Request(path, table, query))
    parts = [pq.read_table(one) if one.suffix == ".parquet" else pa.csv.read_csv(one) for one in source.paths]
    return pa.concat_tables(parts), str(sorted(source.versions.values()))


def check(rows) -> None:
    assert rows["customer_id"].tolist() == ["a", "a", "b", "c"]
    assert rows["amount"].tolist() == [12.5, 3.0, 7.25, 1.0]
    assert rows["ordered_at"].astype(str).tolist()[2] == "2024-02-29 23:30:00"


def lake(folder) -> pa.Table:
    return pa.table(dict(zip(NAMES, map(list, zip(*ROWS, strict=True)), strict=True)))


# ---- every kind of source ------------------------------------------------------------------------------------------


def test_a_table_and_a_query_of_postgres_are_read_with_their_types(shop):
    rows, one, source = read(
        f"dataset.path={shop}".replace(local_servers.PASSWORD, "${oc.env:PGTEST}"),
        "dataset.table=sales.orders",
        *COLUMNS,
    )
    check(rows)
    assert rows["description"].tolist()[0] == ROWS[0][3] and rows["description"].tolist()[2] == ROWS[1][3]
    schema = pq.read_schema(source.paths[0])
    assert schema.field("amount").type == pa.decimal128(12, 2) and schema.field("big").type == pa.int64()
    stored = pq.read_table(source.paths[0])
    assert stored["big"].to_pylist() == [2**60 + i for i in range(4)], "64 bits keep their digits"
    assert (
        stored["at"][0].as_py().isoformat() == "2023-12-31T22:30:00+00:00" and stored["ok"][0].as_py() is True
    )
    assert stored["description"].to_pylist()[2:] == ["", None], "an empty text is not a missing one"
    assert stored["free"].to_pylist()[0] == "1.5", "digits of a number without a declared precision are exact"
    rows, other = fetched(shop, query="select customer_id, amount from sales.orders -- all, and more")
    assert rows.column_names == ["customer_id", "amount"] and rows.num_rows == 4 and other not in one


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("PGTEST", local_servers.PASSWORD)


def test_a_database_of_sqlite_is_read_whatever_types_its_values_have(tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE orders (customer_id, ordered_at, amount)")
        lines = [(c, str(at), int(money) if money == 3 else money) for c, at, money, _ in ROWS]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", lines)
    path = f"dataset.path=sqlite:///{tmp_path}/shop.db"
    assert fetched(path.partition("=")[2], "orders")[0]["amount"].to_pylist() == [12.5, 7.25, 3.0, 1.0]
    with pytest.raises(SegError, match=r"no such table: order; check dataset.table.*shop.db has orders"):
        fetched(path.partition("=")[2], "order")
    with pytest.raises(SegError, match=r"two columns are named customer_id"):
        fetched(path.partition("=")[2], query="select customer_id, customer_id from orders")
    with pytest.raises(SegError, match=r"missing column 'ordered_at' \(nearest: customer_id\)") as error:
        read(path, "dataset.query=select customer_id from orders")
    assert str(error.value).startswith("sqlite:///") and staging.PREFIX not in str(error.value)


def test_a_collection_of_mongodb_is_read(mongo):
    import pymongo

    address = mongo.replace("/?", "/shop?")
    with pymongo.MongoClient(address) as client:
        documents = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
        client.shop.orders.insert_many([documents[0] | {"cart": [{"sku": 1}]}, *documents[1:]])
    rows, _, source = read(f"dataset.path={address}", "dataset.table=orders")
    check(rows)
    assert pq.read_table(source.paths[0])["cart"].to_pylist()[0] == '[{"sku": 1}]'
    with pytest.raises(SegError, match="no such collection; it has orders"):
        fetched(address, "order")
    with pytest.raises(SegError, match=r"takes no SQL; set dataset\.table"):
        fetched(address, query="select 1")


def test_objects_of_s3_are_read_by_pattern_with_their_etags(endpoint):
    for name, text in (
        ("x/2024/a.csv", CSV),
        ("x/2025/b.csv", CSV[:30] + "d,2025-01-01T00:00:00,9.5\n"),
        ("x/readme.md", "x"),
    ):
        with endpoint.open_output_stream(f"brand/{name}") as stream:
            stream.write(text.encode())
    check(read("dataset.path=s3://brand/x/2024/*.csv")[0])
    assert fetched("s3://brand/x")[0]["customer_id"].to_pylist() == ["a", "b", "a", "c", "d"]
    one = fetched("s3://brand/x/2024/a.csv")[1]
    assert fetched("s3://brand/x/*/a.csv")[1] == one, "the same object, the same fingerprint"
    with endpoint.open_output_stream("brand/x/2024/a.csv") as stream:
        stream.write(CSV.replace("12.5", "12.75").encode())
    staging.forget()
    assert fetched("s3://brand/x/2024/a.csv")[1] != one and "etag" in one
    with pytest.raises(SegError, match=r"no object matches; nearest names in brand/x: .*2024/a\.csv"):
        fetched("s3://brand/x/a.*")
    with pytest.raises(SegError, match="there is no bucket nowhere"):
        fetched("s3://nowhere/x.csv")


def test_wrong_credentials_of_s3_are_an_error_without_a_secret(endpoint, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "falsch-geheim")
    with pytest.raises(SegError, match=r"check the bucket, the rights, the credentials") as error:
        fetched("s3://brand/x/*.csv")
    assert "geheim" not in str(error.value)


def test_a_delta_table_is_read_in_its_newest_version_only(tmp_path):
    deltalake = pytest.importorskip("deltalake")
    place = tmp_path / "orders"
    deltalake.write_deltalake(str(place), lake(tmp_path).slice(0, 1))
    one = fetched(str(place))[1]
    deltalake.write_deltalake(str(place), lake(tmp_path), mode="overwrite")
    staging.forget()
    rows, two = fetched(str(place))
    assert rows.num_rows == 4 and one.endswith(" 0']") and two.endswith(" 1']")


def test_a_delta_table_in_s3_is_read(endpoint, s3):
    deltalake = pytest.importorskip("deltalake")
    options = {"AWS_ENDPOINT_URL": s3, "AWS_ALLOW_HTTP": "true"}
    deltalake.write_deltalake("s3://brand/lake/orders", lake(None), storage_options=options)
    assert fetched("s3://brand/lake/orders")[0].num_rows == 4


def test_an_iceberg_table_is_read_by_its_folder_and_through_a_catalog(tmp_path, monkeypatch):
    pytest.importorskip("pyiceberg")
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.utils.config import Config

    known = {"uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": f"file://{tmp_path}"}
    catalog = SqlCatalog("shop", **known)
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", lake(None).schema)
    table.append(lake(None))
    for name, value in {"type": "sql", **known}.items():
        monkeypatch.setenv(f"PYICEBERG_CATALOG__SHOP__{name.upper()}", value)
    monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", Config())  # read once, when it is imported
    rows, one = fetched("iceberg://shop", "sales.orders")
    assert rows.num_rows == 4
    folder = table.location().removeprefix("file://")
    assert fetched(folder)[1] == one, "one snapshot, one fingerprint"
    with pytest.raises(SegError, match=r"which table\? Expected dataset.table"):
        fetched("iceberg://shop")


# ---- what cannot be ------------------------------------------------------------------------------------------------


def test_postgres_answers_what_cannot_be_without_a_secret(shop):
    closed = f"postgresql://ana:{local_servers.PASSWORD}@127.0.0.1:9/x"
    for address, table, query, message in (
        (shop.replace("4711", "0815"), "sales.orders", None, "password authentication failed.*PGPASSWORD"),
        (shop.replace("127.0.0.1", "nowhere.invalid"), "orders", None, "resolve host.*check the address"),
        (closed, "orders", None, "Connection refused.*check the address and that the server is up"),
        (f"{shop}?sslmode=require", "orders", None, "does not support SSL.*switch TLS on"),
        (shop, "order", None, 'relation "order" does not exist; check dataset.table'),
        (shop, None, "selct 1", "syntax error.*check dataset.table or dataset.query"),
        (shop, None, "select 1/0 as x", "division by zero"),
        (shop, None, "select 1 as a, date 'infinity' as day", "column 'day'.*infinity.*leave out or convert"),
        (shop, None, "delete from sales.orders returning *", "dataset.query|syntax"),
        (shop, None, "select 1 as x; drop table sales.orders", "syntax error"),
        (shop, None, "select 1 as a, 2 as a", "two columns are named a"),
        (shop, None, None, "expected either dataset.table=orders or dataset.query.*neither"),
        (shop, "a", "select 1", "both are set"),
    ):  # fmt: skip
        with pytest.raises(SegError, match=message) as error:
            staging.stage(Request(address, table, query))
        assert "geheim" not in str(error.value)


def test_a_table_of_postgres_without_rows_is_a_table_without_rows():
    types = {"customer_id": pa.string(), "ordered_at": pa.timestamp("us")}
    (batch,) = sql_rows._parsed(iter([]), types)
    assert batch.num_rows == 0 and batch.schema == pa.schema(types)
    (batch,) = sql_rows._parsed(iter([b"a,2024-01-05\n"]), types)
    assert batch.to_pydict()["customer_id"] == ["a"]


def test_the_password_stands_in_no_name_and_no_message(shop):
    address = shop.replace("postgresql://", "postgres://")
    source = locate.fetched("shop", Request(address, "sales.orders"))
    shown = f"{source.where} {source.expected} {source.named(str(source.paths[0]))} {data_name(address, '', 'orders')}"
    assert "geheim" not in shown and "postgres://...@127.0.0.1" in shown


def test_a_database_that_is_not_read_is_named_with_a_way_out():
    with pytest.raises(
        SegError, match=r"mysql is not read; expected postgresql://.*export the orders to Parquet"
    ):
        is_remote("mysql://ana:geheim@host/shop")
    for spelled in ("jdbc:postgresql://host/shop", "postgresql+psycopg2://ana:geheim@host/shop"):
        with pytest.raises(SegError, match=r"is not read; expected postgresql://user@host/database") as error:
            is_remote(spelled)
        assert "geheim" not in str(error.value)
    with pytest.raises(SegError, match=r"credentials belong into AWS_ACCESS_KEY_ID"):
        DeltaLake("s3://KEY:geheim@brand/tables")
    assert (
        data_name("host=db password=geheim dbname=shop", "", "orders")
        == "host_db_password_..._dbname_shop_orders"
    )
    with pytest.raises(SegError, match=r"credentials belong into AWS_ACCESS_KEY_ID") as error:
        is_remote("s3://KEY:geheim@brand/orders.csv")
    assert "geheim" not in str(error.value)
    with pytest.raises(SegError, match=r"dataset.table=orders: only for an address such as postgresql://"):
        read("dataset.path=orders.csv", "dataset.table=orders")


def test_a_missing_library_names_the_extra(monkeypatch):
    import builtins

    real = builtins.__import__

    def refuse(name, *rest, **further):
        if name.partition(".")[0] in ("psycopg", "pymongo", "pyiceberg"):
            raise ImportError(name)
        return real(name, *rest, **further)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for address, extra in (
        ("postgresql://h/d", "postgres"),
        ("mongodb://h/d", "mongodb"),
        ("iceberg://c", "iceberg"),
    ):
        with pytest.raises(SegError, match=rf"pip install 'seg\[{extra}\]'"):
            staging.stage(Request(address, "orders"))


# ---- snapshots -----------------------------------------------------------------------------------------------------


def test_rows_have_one_hash_whatever_their_order_and_types_widen(tmp_path):
    def write(name, *batches):
        made = [pa.record_batch([row_snapshot.column(list(values))], names=["x"]) for values in batches]
        return row_snapshot.write(iter(made), tmp_path / name)

    assert write("a", [1, 2], [3]) == write("b", [3, 1], [2]) != write("c", [1, 2], [4])
    assert write("d", [1, 1]) != write("e", [2, 2]) != write("f", [1, 1, 1])
    write("wide", [1], [2.5], [None])
    assert pq.read_table(tmp_path / "wide")["x"].to_pylist() == [1.0, 2.5, None]
    write("text", [1], ["z"], [2.5])
    assert pq.read_table(tmp_path / "text")["x"].to_pylist() == ["1", "z", "2.5"]


def test_a_pattern_names_objects_as_a_shell_does():
    def matches(name, place):
        return object_store._matches(name, place, False)

    assert matches("b/x/a.csv", "b/x/*.csv") and not matches("b/x/y/a.csv", "b/x/*.csv")
    assert matches("b/x/y/z/a.csv", "b/x/**/*.csv") and matches("b/x/a.csv", "b/x/**/*.csv")
    assert not matches("b/x/a.csv.gz", "b/x/*.csv") and matches("b/x/2.csv", "b/x/[0-9].csv")


def test_a_command_shares_its_folder_and_removes_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mine = staging.folder()
    assert staging.folder() == mine and mine.stat().st_mode & 0o077 == 0
    staging.forget()
    assert not mine.exists()


def test_a_data_set_in_memory_has_no_address():
    plain = SimpleNamespace(name="t", path=None, files=[], sample=None, tables={}, source="")
    assert locate.of(plain, "x").kind == "generated"
