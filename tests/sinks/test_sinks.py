"""Every sink: the same rows whoever writes them, twice as once, the old or the new and never half, others' tables left alone."""

from __future__ import annotations

import datetime
import json
import os
import resource
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

import command_line
import local_servers
from seg.errors import SegError
from seg.sinks import csv_guard, delta_lake
from seg.sinks.csv_folder import CsvFolder
from seg.sinks.delta_lake import DeltaLake
from seg.sinks.excel_workbook import ExcelWorkbook
from seg.sinks.mongodb import MongoDB
from seg.sinks.parquet_folder import ParquetFolder
from seg.sinks.postgres import Postgres
from seg.sinks.s3_bucket import S3Bucket
from seg.sinks.star_schema import Export, described, table

AWKWARD = ['=cmd|" /C calc"!A0', 'O\'Neil, "Ann"\nline', "zażółć 客户", "", None]


def export(run="r1", n=40, further=False) -> Export:
    """Two segments, customers with every type that a table may have."""
    columns = {
        "customer_id": [f"c{i:05}" for i in range(n)],
        "segment": pa.array(np.arange(n) % 2, pa.int32()),
        "revenue": pa.array([None if i == 3 else i / 3 for i in range(n)]),
        "day": [datetime.date(2024, 2, 29)] * n,
        "at": pa.array([datetime.datetime(2024, 1, 1, 12, 30)] * n, pa.timestamp("ns")),
        "amount": pa.array([Decimal("1.20")] * n),
        "big": [2**60 + i for i in range(n)],
        "name": [AWKWARD[i % 5] for i in range(n)],
        "new": [i % 2 == 0 for i in range(n)],
    }
    if further:
        columns["more"] = [0.5] * n
    segments = pd.DataFrame(
        {"segment": [0, 1], "name": ["best", "rest"], "size": [n // 2, n - n // 2], "share": 0.5}
    )
    runs = pd.DataFrame(
        [{"kind": "train", "dataset": "toy", "made_at": pd.Timestamp("2024-03-01", tz="UTC"), "k": 2}]
    )
    made = [("runs", runs), ("segments", segments), ("customers", pa.table(columns))]
    return Export(run, "toy", tuple(table(name, run, rows) for name, rows in made))


def s3_files(endpoint) -> fs.S3FileSystem:
    return fs.S3FileSystem(endpoint_override=endpoint)


class Place:
    """A sink in a place of its own, and how its table of customers is read back."""

    def __init__(self, kind: str, request, folder: Path):
        self.kind, self.folder, self.name = kind, folder, folder.name.replace("-", "_")
        self.server = request.getfixturevalue(kind) if kind in ("postgres", "mongo", "s3") else None

    def sink(self, replace=False):
        return {
            "csv": lambda: CsvFolder(self.folder / "out", replace=replace),
            "parquet": lambda: ParquetFolder(self.folder / "out", replace=replace),
            "excel": lambda: ExcelWorkbook(self.folder / "out", replace=replace),
            "delta": lambda: DeltaLake(str(self.folder / "out"), replace=replace),
            "postgres": lambda: Postgres(self.server, schema=self.name, replace=replace),
            "mongo": lambda: MongoDB(self.server, database=self.name, replace=replace),
            "s3": lambda: S3Bucket(f"s3://brand/{self.name}", endpoint=self.server, replace=replace),
        }[self.kind]()

    def customers(self) -> pd.DataFrame:
        return self._read().sort_values(["run_id", "customer_id"], ignore_index=True)

    def _read(self) -> pd.DataFrame:
        if self.kind == "csv":
            options = pa.csv.ParseOptions(newlines_in_values=True)
            files = sorted((self.folder / "out" / "customers").glob("*.csv"))
            return pa.concat_tables(
                [pa.csv.read_csv(file, parse_options=options) for file in files], promote_options="default"
            ).to_pandas()
        if self.kind == "parquet":
            files = sorted((self.folder / "out" / "customers").glob("*.parquet"))
            return pa.concat_tables(
                [pq.read_table(file) for file in files], promote_options="default"
            ).to_pandas()
        if self.kind == "excel":
            return pd.read_excel(next((self.folder / "out").glob("*.xlsx")), sheet_name="customers")
        if self.kind == "delta":
            import deltalake

            return pa.table(
                deltalake.DeltaTable(f"{self.folder}/out/customers").to_pyarrow_table()
            ).to_pandas()
        if self.kind == "postgres":
            import psycopg

            with psycopg.connect(self.server) as connection:
                rows = connection.execute(f"SELECT * FROM {self.name}.seg_customers")
                return pd.DataFrame(rows.fetchall(), columns=[one.name for one in rows.description])
        if self.kind == "mongo":
            import pymongo

            with pymongo.MongoClient(self.server) as client:
                return pd.DataFrame(list(client[self.name].seg_customers.find({}, {"_id": 0})))
        files = s3_files(self.server)
        found = files.get_file_info(fs.FileSelector(f"brand/{self.name}/customers"))
        return pa.concat_tables(
            [pq.read_table(one.path, filesystem=files) for one in found], promote_options="default"
        ).to_pandas()

    def put_foreign(self) -> None:
        """Put something of somebody else's where the sink would write."""
        if self.kind in ("csv", "parquet"):
            (self.folder / "out" / "customers").mkdir(parents=True)
            (self.folder / "out" / "mine.txt").write_text("mine")
        elif self.kind == "delta":
            import deltalake

            deltalake.write_deltalake(f"{self.folder}/out/customers", pa.table({"mine": [1]}))
        elif self.kind == "postgres":
            import psycopg

            with psycopg.connect(self.server) as connection:
                connection.execute(f"CREATE SCHEMA {self.name}")
                connection.execute(f"CREATE TABLE {self.name}.seg_customers (mine int)")
        elif self.kind == "mongo":
            import pymongo

            with pymongo.MongoClient(self.server) as client:
                client[self.name].seg_customers.insert_one({"mine": 1})
        else:
            with s3_files(self.server).open_output_stream(f"brand/{self.name}/mine.txt") as stream:
                stream.write(b"mine")


KINDS = ("csv", "parquet", "delta", "postgres", "mongo", "s3")


@pytest.fixture(params=KINDS)
def place(request, tmp_path):
    if request.param == "delta":
        pytest.importorskip("deltalake")
    return Place(request.param, request, tmp_path)


def test_what_is_written_is_read_back_with_its_types(place):
    place.sink().write(export())
    found = place.customers()
    assert found["customer_id"].tolist() == [f"c{i:05}" for i in range(40)]
    assert found["segment"].tolist() == [0, 1] * 20
    assert found["segment_key"].tolist()[:2] == ["r1/0", "r1/1"]
    assert found["big"].tolist() == [2**60 + i for i in range(40)], "64 bits keep their digits"
    assert pd.isna(found["revenue"][3]) and found["revenue"][4] == pytest.approx(4 / 3)
    assert pd.to_datetime(found["day"]).dt.date.tolist()[0] == datetime.date(2024, 2, 29)
    assert pd.to_datetime(found["at"]).tolist()[0] == pd.Timestamp("2024-01-01 12:30")
    assert Decimal(str(found["amount"][0])) == Decimal("1.20")
    assert found["name"][1] == AWKWARD[1] and found["name"][2] == AWKWARD[2]
    guarded = "'" if place.kind == "csv" else ""
    assert found["name"][0] == guarded + AWKWARD[0]


def test_the_same_run_twice_gives_the_same_rows_and_another_run_its_own(place):
    place.sink().write(export())
    once = place.customers()
    place.sink().write(export())
    pd.testing.assert_frame_equal(place.customers()[list(once)], once)
    place.sink().write(export("r2", n=10, further=True))
    found = place.customers()
    assert found["run_id"].value_counts().to_dict() == {"r1": 40, "r2": 10}
    assert found["more"].notna().sum() == 10
    place.sink().write(export(n=8))
    assert place.customers()["run_id"].value_counts().to_dict() == {"r1": 8, "r2": 10}


def test_what_somebody_else_made_is_left_alone_until_the_user_says_replace(place):
    place.put_foreign()
    with pytest.raises(SegError, match=r"was not made by seg and is not overwritten.*sink.replace=true"):
        place.sink().write(export())
    place.sink(replace=True).write(export())
    assert len(place.customers()) == 40


def test_a_workbook_that_seg_wrote_does_not_make_a_folder_somebody_elses(tmp_path):
    ExcelWorkbook(tmp_path).write(export())
    CsvFolder(tmp_path).write(export())
    ParquetFolder(tmp_path).write(export())
    assert {path.name for path in tmp_path.iterdir()} >= {"toy-r1.xlsx", "customers", "seg.json"}


# ---- killed in the middle ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(int(os.environ.get("SEG_KILLS", "1"))))
def test_a_writer_that_is_killed_leaves_the_old_table_or_the_new_one(place, seed):
    place.sink().write(export(n=50))
    known = {"kind": place.kind, "folder": str(place.folder), "name": place.name, "server": place.server}
    with command_line.started("write_customers", json.dumps(known), env=os.environ) as (process, said):
        while "ready" not in said():
            assert process.is_alive(), said("err")
            time.sleep(0.02)
        time.sleep(np.random.default_rng(seed + KINDS.index(place.kind)).uniform(0, 1))
        process.kill()
        process.join()
    assert len(place.customers()) in (50, 30_000)
    place.sink().write(export(n=60))
    assert len(place.customers()) == 60


# ---- one by one ----------------------------------------------------------------------------------------------------


def test_a_workbook_has_a_sheet_a_table_and_runs_no_formula(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("xlsxwriter")
    for _ in range(2):
        path = ExcelWorkbook(tmp_path).write(export())
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["runs", "segments", "customers"]
    rows = list(book["customers"].iter_rows(values_only=True))
    first = dict(zip(rows[0], rows[1], strict=True))
    assert (
        first["name"] == AWKWARD[0]
        and first["big"] == str(2**60)
        and first["day"] == datetime.datetime(2024, 2, 29)
    )
    cell = book["customers"].cell(2, rows[0].index("name") + 1)
    assert cell.data_type == "s", "text, not a formula"
    other = tmp_path / "toy-r9.xlsx"
    openpyxl.Workbook().save(other)
    with pytest.raises(SegError, match="the workbook was not made by seg"):
        ExcelWorkbook(tmp_path).write(export("r9"))


def test_csv_cells_stay_as_they_are_where_the_user_says_so(tmp_path):
    CsvFolder(tmp_path, guard=False).write(export())
    assert (
        f'"{AWKWARD[0]}"'.replace('" /C', '"" /C').replace('calc"', 'calc""')
        in (tmp_path / "customers" / "r1.csv").read_text()
    )


def test_the_tables_are_described_beside_the_files(tmp_path):
    ParquetFolder(tmp_path).write(export())
    known = {one["name"]: one for one in json.loads((tmp_path / "seg.json").read_text())["tables"]}
    assert known["customers/*.parquet"]["primary_key"] == ["run_id", "customer_id"]
    assert known["customers/*.parquet"]["relations"] == {
        "run_id": "runs.run_id",
        "segment_key": "segments.segment_key",
    }
    columns = {one["name"]: one["type"] for one in known["customers/*.parquet"]["columns"]}
    assert columns["day"] == "date32[day]" and columns["segment"] == "int64"
    assert json.loads(described(export(), {}))["tables"][0]["name"] == "runs"


def test_two_rows_of_one_customer_are_refused():
    with pytest.raises(SegError, match="customers has two rows of customer_id=a"):
        table("customers", "r1", pd.DataFrame({"customer_id": ["a", "a"], "segment": [0, 1]}))


def test_postgres_answers_what_cannot_be_without_a_secret(postgres):
    nul = table("customers", "r1", pd.DataFrame({"customer_id": ["a\0b"], "segment": [0]}))
    with pytest.raises(SegError, match=r"column customer_id: 'a\\x00b' holds a NUL character"):
        Postgres(postgres).write(Export("r1", "toy", (nul,)))
    closed = f"postgresql://ana:{local_servers.PASSWORD}@127.0.0.1:9/x"
    for address, said in (
        (postgres.replace("4711", "0815"), "password authentication failed.*check the user and the password"),
        (postgres.replace("127.0.0.1", "nowhere.invalid"), "failed to resolve host.*seg export"),
        (closed, "Connection refused.*seg export"),
        (f"{postgres}?sslmode=require", "does not support SSL.*switch TLS on"),
        (
            f"{postgres}?options=-c%20statement_timeout%3D1",
            r"statement timeout; allow more time \(statement_timeout\)",
        ),
    ):
        with pytest.raises(SegError, match=said) as error:
            Postgres(address).write(export())
        assert "geheim" not in str(error.value)


def test_postgres_takes_any_schema_and_refuses_what_it_would_cut_or_cannot_be(postgres):
    import psycopg

    assert Postgres(postgres, schema='a"b c').write(export()).startswith('a"b c.seg_*')
    with pytest.raises(
        SegError, match="is longer than the 63 bytes that PostgreSQL takes; choose a shorter prefix"
    ):
        Postgres(postgres, prefix="p" * 60).write(export())
    with pytest.raises(SegError, match="takes no changes from this user or this server"):
        Postgres(f"{postgres}?options=-c%20default_transaction_read_only%3Don").write(export())
    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE SCHEMA shown CREATE VIEW seg_runs AS SELECT 1 AS a")
    with pytest.raises(SegError, match='"seg_runs" is not a table; seg replaces tables only'):
        Postgres(postgres, schema="shown", replace=True).write(export())
    with pytest.raises(SegError, match="expected postgresql://") as error:
        Postgres("mysql://ana:geheim-1@db/shop")
    assert "geheim" not in str(error.value)


def test_a_large_run_is_replaced_with_all_indexes_views_and_rights_as_they_were(postgres):
    import psycopg

    def indexes(connection) -> list[tuple]:
        return connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'large' ORDER BY indexname"
        ).fetchall()

    Postgres(postgres, schema="large").write(export(n=12_000))
    with psycopg.connect(postgres) as connection:
        connection.execute('CREATE INDEX "By Name" ON large.seg_customers (name, segment) WHERE new')
        connection.execute("CREATE VIEW large.seen AS SELECT customer_id FROM large.seg_customers")
        before = indexes(connection)
    Postgres(postgres, schema="large").write(export(n=11_000))
    Postgres(postgres, schema="large").write(export("r2", n=10_000))
    with psycopg.connect(postgres) as connection:
        assert indexes(connection) == before and len(before) >= 4
        assert connection.execute("SELECT count(*) FROM large.seen").fetchone()[0] == 21_000


def test_a_table_of_other_types_is_refused_and_a_user_without_rights_too(postgres):
    import psycopg

    Postgres(postgres, schema="types").write(export())
    other = table(
        "segments", "r2", pd.DataFrame({"segment": [0], "name": [1.5], "size": [3], "share": [1.0]})
    )
    with pytest.raises(SegError, match="the column name is text, this run has double precision"):
        Postgres(postgres, schema="types").write(Export("r2", "toy", (other,)))
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest-4711'")
    guest = postgres.replace(f"ana:{local_servers.PASSWORD}", "guest:guest-4711")
    with pytest.raises(SegError, match=r"permission denied.*ask for the right"):
        Postgres(guest, schema="types").write(export("r3"))


def test_s3_answers_a_wrong_bucket_and_wrong_credentials_without_a_secret(s3, monkeypatch):
    with pytest.raises(SegError, match="there is no bucket nothere"):
        S3Bucket("s3://nothere/x", endpoint=s3).write(export())
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "falsch-geheim")
    with pytest.raises(SegError, match=r"ACCESS_DENIED.*check the bucket") as error:
        S3Bucket("s3://brand/x", endpoint=s3).write(export())
    assert "geheim" not in str(error.value)


def test_a_delta_table_in_a_bucket_is_written_and_replaced(s3, monkeypatch):
    import deltalake

    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    for _ in range(2):
        DeltaLake("s3://brand/lake").write(export())
    table = deltalake.DeltaTable("s3://brand/lake/customers", storage_options={"AWS_ALLOW_HTTP": "true"})
    assert table.to_pyarrow_table().num_rows == 40


def test_credentials_in_an_address_of_s3_are_refused_and_hidden():
    with pytest.raises(SegError, match="credentials belong into AWS_ACCESS_KEY_ID") as error:
        S3Bucket("s3://KEY:geheim-1@brand/x")
    assert "geheim" not in str(error.value)


def test_a_certificate_that_is_not_trusted_is_named_with_what_trusts_it(tmp_path, monkeypatch):
    certificate = local_servers.certificate(tmp_path)
    with local_servers.answering_tls(certificate) as endpoint:
        sink = S3Bucket("s3://brand/x", endpoint=endpoint)
        with pytest.raises(SegError, match=r"SSL.*set AWS_CA_BUNDLE to the certificate"):
            sink.write(export())
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        with pytest.raises(SegError, match="there is no bucket brand"):  # it has answered
            sink.write(export())


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_sink_without_its_address_says_which_option_is_missing(value):
    for make, option in (
        (lambda: ParquetFolder(value), "sink.folder"), (lambda: Postgres(value), "sink.uri"),
        (lambda: S3Bucket(value), "sink.uri"), (lambda: MongoDB(value, "x"), "sink.uri"), (lambda: DeltaLake(value), "sink.uri"),
    ):  # fmt: skip
        with pytest.raises(SegError, match=f"{option} is not set; expected"):
            make()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("x")
    for sink in (ExcelWorkbook, ParquetFolder):
        with pytest.raises(SegError, match="file: is a file, expected a folder"):
            sink(str(blocked)).write(export())
    with pytest.raises(SegError, match=r"sink.folder=.*free space, or choose another sink.folder"):
        ParquetFolder(blocked / "below").write(export())
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("sink", [CsvFolder, ParquetFolder, ExcelWorkbook, DeltaLake])
def test_a_full_disk_is_said_and_leaves_nothing_unfinished(sink, tmp_path, capfd):
    """The system refuses what makes a file longer than 50 kB, as it refuses everything where a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(SegError, match=r"(?i)file (is )?too large|file size limit"):
            sink(str(tmp_path / "out")).write(export(n=5_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.rglob("*.unfinished")) and not list(tmp_path.rglob("customers/*.csv"))
    assert "panicked" not in capfd.readouterr().err


def test_what_others_print_while_a_delta_table_is_written_is_shown(tmp_path, capfd):
    with delta_lake._without_panics():
        os.write(2, b"a warning\n")
    assert capfd.readouterr().err == "a warning\n"


def test_a_table_without_rows_has_no_cells_to_guard():
    empty = pd.DataFrame([], columns=["level", "text"]).astype({"level": object, "text": "str"})
    guarded, cells = csv_guard.guard_frame(empty)
    assert cells == 0 and list(guarded.columns) == ["level", "text"]


def test_categories_are_guarded_like_texts():
    table = pd.DataFrame({"name": pd.Categorical(["=1+1", None, "ana"]), "n": [-1, 2, 3]})
    guarded, cells = csv_guard.guard_frame(table)
    assert cells == 1 and guarded.to_csv(index=False).split() == ["name,n", "'=1+1,-1", ",2", "ana,3"]
