"""Every extra: where its package is missing, the message names the extra that brings it."""

import re
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from seg import dashboard
from seg.engine import spark_session
from seg.errors import SegError
from seg.outlook import bgnbd, forecasting, review_texts
from seg.sinks.delta_lake import DeltaLake
from seg.sinks.excel_workbook import ExcelWorkbook
from seg.sinks.mongodb import MongoDB
from seg.sinks.postgres import Postgres
from seg.sinks.star_schema import Export
from seg.sources.remote import lake_tables
from seg.sources.remote.request import Request

ROOT = Path(__file__).resolve().parents[2]
FOR_DEVELOPERS = {"docs", "test", "dev", "mutants"}
EMPTY = Export("r1", "toy", ())
# Extra: the package that is taken away, and what is asked for then.
NEEDED = {
    "spark": ("pyspark", spark_session.check_installed),
    "postgres": ("psycopg", lambda: Postgres("postgresql://ana@db/crm").write(EMPTY)),
    "excel": ("xlsxwriter", lambda: ExcelWorkbook("x.xlsx").write(EMPTY)),
    "mongodb": ("pymongo", lambda: MongoDB("mongodb://db", "crm").write(EMPTY)),
    "delta": ("deltalake", lambda: DeltaLake("somewhere").write(EMPTY)),
    "iceberg": ("pyiceberg.catalog", lambda: lake_tables._iceberg(Request("iceberg://db/orders"))),
    "dashboard": ("dash", lambda: dashboard.dashboard("source=exports")),
    "forecast": ("statsforecast", forecasting.missing),
    "clv": ("pymc_marketing", bgnbd.missing),
    "reviews": ("py3langid", review_texts.missing),
}


def test_every_extra_of_users_is_tested():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(NEEDED) == set(extras) - FOR_DEVELOPERS


@pytest.mark.parametrize("extra", NEEDED)
def test_what_is_missing_names_its_extra(extra, monkeypatch):
    package, ask = NEEDED[extra]
    monkeypatch.setitem(sys.modules, package, None)
    try:
        told = ask()
    except SegError as error:
        told = str(error)
    assert "not installed" in told and f"pip install 'seg[{extra}]'" in told


def test_every_pinned_version_can_be_installed_on_the_oldest_python():
    """One that cannot makes older versions of pip search for half an hour before they say so."""
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())[1]
    pinned = {
        canonicalize_name(name): version
        for name, version in re.findall(
            r"^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE
        )
    }
    too_new = [
        f"{one.name}=={one.version} needs Python {one.metadata.get('Requires-Python')}"
        for one in distributions()
        if pinned.get(canonicalize_name(one.name)) == one.version
        and not SpecifierSet(one.metadata.get("Requires-Python") or "").contains(f"{oldest}.0")
    ]
    assert too_new == []
