import hashlib
import io
import json
import re
import threading
import zipfile
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import openpyxl
import pandas as pd
import pooch
import pytest

from seg import data
from seg.cli import data_request
from seg.config import folders, load
from seg.features import GLOSSARY
from seg.sources import locate

NAMES = folders.choices("dataset")
MEMBER = "Online Retail.xlsx"
ORDERS = """customer_id,ordered_at,amount
A,2024-03-02,10.5
A,2024-03-05T09:30:00,4.5
B,2023-12-24,20
,2024-01-01,-5
"""


class Terminal:
    """Call the command in this process and keep what it said."""

    def __init__(self, capsys):
        self.capsys = capsys

    def __call__(self, *arguments: str) -> int:
        code = data.main(arguments)
        self.out, self.err = self.capsys.readouterr()
        return code

    def fails(self, *arguments: str) -> str:
        assert self(*arguments) == 1
        assert self.err.startswith("error: ")
        return self.err


@pytest.fixture
def seg(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SEG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Terminal(capsys)


@pytest.fixture
def orders(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "orders.csv"
        path.write_text(text)
        return f"dataset.path={path}"

    return write


# --- the command line


def test_help_names_every_command_and_no_command_is_an_error(seg):
    assert seg("--help") == 0
    assert all(f"seg data {name}" in seg.out for name in data.COMMANDS)
    assert seg() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chek"], "chek: unknown command; expected one of check"),
        (
            ["check"],
            "check: which data set[?] Expected dataset=<name>, one of amazon_reviews, customers, flo",
        ),
        (["check", "in/orders.csv"], "which data set.* dataset=transactions dataset.path=in/orders.csv"),
        (
            ["check", "dataset=in/orders.csv"],
            "dataset=in/orders.csv: .* dataset=transactions dataset.path=in/",
        ),
        (
            ["check", "dataset=toy", f"dataset.path={__file__}"],
            "dataset=toy generates its orders and reads no file",
        ),
        (["check", "dataset=flow"], "dataset=flow: unknown; expected one of flo"),
        (["check", "dataset=flo,toy"], "dataset=flo,toy.*one value at a time"),
        (
            ["check", "dataset=transactions", "decimal=,"],
            "decimal: unknown key; do you mean dataset.decimal[?] If not, expected one of",
        ),
        (["check", "dataset=transactions", "dataset.path"], "dataset.path: has no value; expected key=value"),
        (
            ["check", "dataset=transactions", "dataset.bad_rows=ignore"],
            "dataset.bad_rows=ignore: expected 'fail' or 'skip'",
        ),
        (
            ["check", "dataset=transactions", "dataset.bad_rows_limit=5"],
            "dataset.bad_rows_limit=5: expected a share",
        ),
        (["check", "dataset=flo", "dataset.pat=x"], "dataset.pat: unknown key; expected one of dataset.path"),
        (["check", "dataset=flo", "oops"], "oops: has no value; expected key=value"),
        (["check", "dataset=flo", "dataset.path=/no/such.csv"], "no such file"),
        (["check", "dataset=flo", "k=1"], "k=1: expected a whole number"),
        (["check", "dataset=flo", "dataset.load._target_=seg.nothing.load"], "see configs/dataset/"),
        (["glossary", "orders"], "glossary: got orders, expected nothing"),
        (["fetch"], "fetch: which data set"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_clear_error(seg, arguments, message):
    error = seg.fails(*arguments)
    assert re.search(message, error), error
    assert error.count("\n") == 1


def test_the_glossary_has_every_feature_with_its_unit(seg):
    assert seg("glossary") == 0
    assert all(f"│ {name} " in seg.out and feature.unit in seg.out for name, feature in GLOSSARY.items())


# --- list


def test_list_tells_real_files_from_samples_and_generated_data(seg, tmp_path):
    real = tmp_path / "data" / "flo" / "flo_data_20k.csv"
    real.parent.mkdir(parents=True)
    real.write_text("x\n")
    assert seg("list") == 0
    rows = {line.split("│")[1].strip(): line for line in seg.out.splitlines() if line.startswith("│ ")}
    assert set(NAMES) <= set(rows)
    assert "real file" in rows["flo"] and "generated" in rows["toy"]
    assert "SAMPLE" in rows["online_retail"]
    assert f"read: {real}" in seg.out
    assert f"expected: {tmp_path / 'data' / 'online_retail'}: data.csv or {MEMBER}" in seg.out
    assert "to get it: seg data fetch dataset=online_retail " in seg.out


@pytest.mark.parametrize("name", NAMES)
def test_list_says_what_each_data_set_is_in_the_words_of_its_file(seg, name):
    first = (folders.CONFIGS / "dataset" / f"{name}.yaml").read_text().splitlines()[0]
    assert first.startswith("# ")
    assert folders.summary("dataset", name) == first[2:]


# --- check


@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_can_be_read_without_its_real_file_and_a_sample_is_said_loudly(seg, name):
    assert seg("check", f"dataset={name}") == 0
    is_sample = any((folders.ASSETS / "datasets" / name).glob("sample*"))
    assert seg.out.startswith("SAMPLE DATA: the real file of") == is_sample
    last = seg.out.splitlines()[-1].split(maxsplit=1)
    assert last == ["verdict", "ok, for SAMPLE DATA: the real file was not read" if is_sample else "ok"]


def test_check_counts_rows_customers_days_and_revenue(seg, orders):
    assert seg("check", "dataset=transactions", orders(ORDERS), "dataset.currency=EUR") == 0
    lines = dict(line.split(maxsplit=1) for line in seg.out.splitlines() if line[:1].islower())
    assert lines["rows"] == "4" and lines["customers"] == "2"
    assert "first order  2023-12-24\n" in seg.out and "last order   2024-03-05 09:30\n" in seg.out
    assert lines["revenue"].startswith("30.00 EUR")
    assert lines["bad"] == "rows     0"
    assert lines["verdict"] == "ok"


def test_check_names_each_column_in_the_files_and_in_seg_with_type_and_gaps(seg, orders):
    text = ORDERS.replace("customer_id", "cust").replace("amount", "total")
    columns = ["dataset.columns.customer_id=cust", "dataset.columns.amount=total"]
    assert seg("check", "dataset=transactions", orders(text), *columns) == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in seg.out.splitlines() if "│" in line]
    assert rows == [
        ["cust", "customer_id", "text", "1 (25.0%)", "ok"],
        ["(worked out)", "order_id", "text", "1 (25.0%)", "ok"],
        ["ordered_at", "ordered_at", "time", "0", "ok"],
        ["total", "amount", "number", "0", "ok"],
        ["(worked out)", "is_return", "yes or no", "0", "ok"],
    ]


def test_check_counts_all_rows_that_cannot_be_read_and_shows_five(seg, orders):
    text = ORDERS + "".join(f"C,2024-02-{day},12.x\n" for day in range(10, 17))
    assert seg("check", "dataset=transactions", orders(text)) == 1
    assert "rows         4\n" in seg.out
    assert "bad rows     7 of 11 could not be read\n" in seg.out
    assert seg.out.count("amount is '12.x', expected a finite number") == 5
    assert "line or row 5: " in seg.out and "and 2 more" in seg.out
    assert "verdict      7 of 11 rows cannot be read" in seg.out


def test_check_says_why_when_no_row_at_all_can_be_read(seg, orders):
    error = seg.fails(
        "check", "dataset=transactions", orders("customer_id,ordered_at,amount\nA,02.03.2024,1\n")
    )
    assert "1 of 1 rows cannot be read" in error and "'02.03.2024', expected an ISO 8601 date" in error


def test_check_names_a_missing_column_with_the_nearest_one(seg, orders):
    error = seg.fails("check", "dataset=transactions", orders("customer,ordered_at,amount\nA,2024-03-02,1\n"))
    assert "missing column 'customer_id' (nearest: customer" in error
    assert "read         " in seg.out and "orders.csv" in seg.out


def test_a_needed_column_without_any_value_is_wrong(seg, orders):
    assert seg("check", "dataset=transactions", orders("customer_id,ordered_at,amount\n,2024-03-02,1\n")) == 1
    assert "verdict      no value at all in customer_id, which a run needs" in seg.out


def test_a_customer_who_comes_twice_is_wrong_in_a_table_of_customers(seg, tmp_path):
    sample = pd.read_csv(folders.ASSETS / "datasets" / "flo" / "sample.csv", dtype=str).head(20)
    path = tmp_path / "twice.csv"
    pd.concat([sample, sample.head(2)]).to_csv(path, index=False)
    assert seg("check", "dataset=flo", f"dataset.path={path}") == 1
    assert "2 rows repeat a customer" in seg.out + seg.err


def test_a_column_that_the_data_set_promises_and_does_not_give_is_wrong(seg):
    columns = "customer_id,order_id,ordered_at,product_id,quantity,unit_price,amount,country,colour"
    assert seg("check", "dataset=toy", f"dataset.provides=[{columns}]") == 1
    assert "verdict      the data set promises colour, which its adapter does not give" in seg.out


# --- fetch


def archive(member: str = MEMBER) -> bytes:
    """Zip a workbook of four order lines, two customers and one gap, in the form of UCI Online Retail."""
    book = openpyxl.Workbook()
    book.active.append(list(pd.read_csv(folders.ASSETS / "datasets" / "online_retail" / "sample.csv", nrows=0,
                                        encoding="windows-1252")))  # fmt: skip
    for customer, quantity in ((17850, 6), (17850, 2), (13047, 3), (None, 1)):
        day = datetime(2010, 12, quantity, 8, 26)
        book.active.append([536365, "85123A", "LANTERN", quantity, day, 2.5, customer, "France"])
    workbook, zipped = io.BytesIO(), io.BytesIO()
    book.save(workbook)
    with zipfile.ZipFile(zipped, "w") as packed:
        packed.writestr(member, workbook.getvalue())
    return zipped.getvalue()


class Site(BaseHTTPRequestHandler):
    files: dict[str, bytes] = {}  # noqa: RUF012
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self):
        self.asked.append(self.path)
        body = self.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    Site.files = {"/good.zip": archive(), "/other.zip": archive("else.xlsx"), "/page.zip": b"<html>"}
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def place(tmp_path):
    return tmp_path / "data" / "online_retail" / MEMBER


def of(url: str, sha256: str | None = None) -> list[str]:
    """Give the overrides that fetch from `url`; its own checksum where none is given."""
    body = Site.files.get("/" + url.rpartition("/")[2], b"")
    sha256 = sha256 or hashlib.sha256(body).hexdigest()
    return ["dataset=online_retail", f"dataset.fetch.url='{url}'", f"dataset.fetch.sha256='{sha256}'"]


def left(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "data").rglob("*")) if (tmp_path / "data").exists() else []


@pytest.mark.parametrize("on_terminal", [False, True])
def test_a_fetched_workbook_is_found_and_read_by_a_run(seg, site, place, tmp_path, monkeypatch, on_terminal):
    if on_terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    assert seg("fetch", *of(f"{site}/good.zip")) == 0
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert [path for path in left(tmp_path) if path.is_file()] == [place]
    assert [path.name for path in left(tmp_path)] == ["online_retail", MEMBER]
    found = locate.find("online_retail", str(tmp_path / "data"), ["data.csv", MEMBER, "*.xlsx"])
    assert (found.kind, found.paths) == ("file", (place,))
    assert seg("check", "dataset=online_retail") == 0
    assert "SAMPLE" not in seg.out and str(place) in seg.out
    assert "rows         4\n" in seg.out and "customers    2\n" in seg.out
    assert "last order   2010-12-06 08:26\n" in seg.out
    assert "revenue      30.00 GBP" in seg.out


def test_a_file_that_is_there_is_not_fetched_again_unless_forced(seg, site, place):
    place.parent.mkdir(parents=True)
    place.write_text("old")
    Site.asked.clear()
    assert seg("fetch", *of(f"{site}/good.zip")) == 0
    assert f"{place} exists, nothing was downloaded" in seg.out
    assert (Site.asked, place.read_text()) == ([], "old")
    assert seg("fetch", *of(f"{site}/good.zip"), "force=true") == 0
    assert place.stat().st_size > 3 and len(Site.asked) == 1


def test_a_fetched_file_that_a_run_would_not_read_is_told(seg, site, place):
    place.parent.mkdir(parents=True)
    (place.parent / "data.csv").write_text("x\n")
    assert seg("fetch", *of(f"{site}/good.zip"), "force=true") == 0
    assert "a run reads" in seg.out and "data.csv instead" in seg.out and "dataset.path=" in seg.out


def test_a_wrong_checksum_leaves_nothing_and_tells_both(seg, site, tmp_path):
    expected, got = "0f" * 32, hashlib.sha256(Site.files["/good.zip"]).hexdigest()
    error = seg.fails("fetch", *of(f"{site}/good.zip", expected))
    assert f"wrong checksum: got SHA-256 {got}" in error and f"expected {expected}" in error
    assert left(tmp_path) == []


def test_a_wrong_checksum_leaves_the_file_that_was_there_alone(seg, site, place):
    place.parent.mkdir(parents=True)
    place.write_text("old")
    seg.fails("fetch", *of(f"{site}/good.zip", "0f" * 32), "force=true")
    assert [path.read_text() for path in place.parent.iterdir()] == ["old"]


def test_a_page_that_is_not_there_is_an_error_with_the_way_by_hand(seg, site, place, tmp_path):
    error = seg.fails("fetch", *of(f"{site}/nothing.zip"))
    assert f"{site}/nothing.zip: cannot be fetched (HTTP 404 Not Found)" in error
    assert f"put '{MEMBER}' at {place}" in error
    assert left(tmp_path) == []


def test_a_server_that_is_down_is_an_error_with_the_way_by_hand(seg, place, tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    url = f"http://127.0.0.1:{server.server_port}/good.zip"
    server.server_close()
    error = seg.fails("fetch", *of(url))
    assert f"{url}: cannot be fetched (" in error and "Connection refused" in error and str(place) in error
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [("other.zip", f"the archive has no '{MEMBER}'; it has else.xlsx"), ("page.zip", "not a readable zip")],
)
def test_an_archive_without_the_file_is_an_error(seg, site, tmp_path, name, message):
    assert message in seg.fails("fetch", *of(f"{site}/{name}"))
    assert left(tmp_path) == []


def test_an_interrupted_fetch_leaves_nothing(seg, tmp_path, monkeypatch):
    def interrupted(self, url, path, _):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
    assert seg("fetch", "dataset=online_retail") == 130
    assert "interrupted" in seg.err
    assert left(tmp_path) == []


def test_a_full_disk_is_no_fault_of_the_network(seg, tmp_path, monkeypatch):
    def full(self, url, path, _):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", full)
    assert "cannot be written (No space left on device)" in seg.fails("fetch", "dataset=online_retail")
    assert left(tmp_path) == []


def test_a_data_directory_that_cannot_be_written_is_an_error(seg, site, tmp_path):
    (tmp_path / "data").write_text("a file where the folder should be")
    error = seg.fails("fetch", *of(f"{site}/good.zip"))
    assert f"{tmp_path / 'data' / 'online_retail'}: cannot be written" in error and "data_dir=..." in error


def test_what_cannot_be_fetched_says_where_to_get_it(seg, tmp_path):
    error = seg.fails("fetch", "dataset=flo")
    assert "if you have flo_data_20k.csv, put it in" in error and str(tmp_path / "data" / "flo") in error
    assert "dataset.path" in seg.fails("fetch", "dataset=transactions")
    assert seg("fetch", "dataset=toy") == 0 and "nothing to download" in seg.out
    error = seg.fails("fetch", "dataset=online_retail", "dataset.fetch.sha256=null")
    assert "dataset.fetch.sha256: is required" in error


@pytest.mark.parametrize("name", ["online_retail", "online_retail_ii"])
def test_what_is_fetched_is_what_a_run_looks_for(name, monkeypatch):
    load.prepare_environment()
    dataset = load.settings(data_request.composed([f"dataset={name}"])).dataset
    assert dataset.fetch["member"] in dataset.files
    assert len(dataset.fetch["sha256"]) == 64 and dataset.fetch["url"].startswith("https://")


# --- the Hugging Face Hub

REPOSITORY = "McAuley-Lab/Amazon-Reviews-2023"
HUB = {
    "raw/review_categories/Electronics.jsonl": b'{"user_id": "SYNA"}\n',
    "raw/meta_categories/meta_Electronics.jsonl": b'{"parent_asin": "B0"}\n',
    "raw/review_categories/Gift_Cards.jsonl": b"{}\n",
    "README.md": b"card",
}


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub as its client asks for: the list of files, what a file is, the file."""

    cut_short = False

    def do_HEAD(self):
        self.answer(self.path, body=False)

    def do_GET(self):
        self.answer(self.path, body=True)

    def answer(self, path: str, body: bool):
        if path.startswith(f"/api/datasets/{REPOSITORY}/tree/main"):
            listing = [
                {"type": "file", "path": name, "size": len(text), "oid": "1" * 40}
                for name, text in HUB.items()
            ]
            return self.send(json.dumps(listing).encode(), body, {"Content-Type": "application/json"})
        content = HUB.get(path.removeprefix(f"/datasets/{REPOSITORY}/resolve/main/"))
        if content is None:
            return self.send_error(404)
        if self.cut_short and body and "meta" in path:
            return self.send_error(503)
        commit = hashlib.sha1(path.encode()).hexdigest()
        return self.send(content, body, {"X-Repo-Commit": commit, "ETag": f'"{commit}"'})

    def send(self, content: bytes, body: bool, headers: dict):
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def the_hub(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client tries again and again
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()


def test_a_category_is_fetched_from_the_hub_under_its_bare_names_and_once(seg, the_hub, tmp_path):
    assert seg("fetch", "dataset=amazon_reviews") == 0
    folder = tmp_path / "data" / "amazon_reviews"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        Path(name).name: text for name, text in HUB.items() if "Electronics" in name
    }
    assert seg("fetch", "dataset=amazon_reviews") == 0
    assert "exists, nothing was downloaded" in seg.out


def test_an_unknown_category_lists_the_nearest_and_what_broke_off_leaves_no_file(
    seg, the_hub, tmp_path, monkeypatch
):
    said = seg.fails("fetch", "dataset=amazon_reviews", "dataset.category=Electronic")
    assert "dataset.category=Electronic: " in said and "expected one of Electronics, Gift_Cards" in said
    monkeypatch.setattr(Hub, "cut_short", True)
    said = seg.fails("fetch", "dataset=amazon_reviews")
    assert "503" in said and "try again (what has come is kept)" in said
    assert not list((tmp_path / "data" / "amazon_reviews").glob("*.jsonl"))


def test_a_hub_that_does_not_answer_is_an_error_that_says_what_to_do(seg, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client tries six times
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert seg("fetch", "dataset=amazon_reviews") == 1
    said = seg.err[seg.err.rindex("error: ") :]
    assert REPOSITORY in said and "or download Electronics.jsonl and meta_Electronics.jsonl from" in said


# --- generate


def test_generate_writes_files_that_check_reads_and_refuses_what_it_cannot(seg, tmp_path):
    assert seg("generate", "dataset=amazon_reviews", "rows=2000", f"to={tmp_path}", "seed=3") == 0
    reviews = tmp_path / "reviews.parquet"
    assert f"dataset.path={reviews}" in seg.out
    assert seg("check", "dataset=amazon_reviews", f"dataset.path={reviews}") == 0
    assert "rows         2,000\n" in seg.out and "SAMPLE" not in seg.out
    assert "generate: got dataset=flo, expected dataset=amazon_reviews" in seg.fails(
        "generate", "dataset=flo"
    )
    assert "rows=many: expected a whole number" in seg.fails(
        "generate", "dataset=amazon_reviews", "rows=many"
    )
    assert "got rows=10, expected at least 1,000" in seg.fails(
        "generate", "dataset=amazon_reviews", "rows=10"
    )
