"""A key changes with everything that a result depends on, helper modules outside seg included."""

import importlib
import sys

import pytest

from seg.config import compose, load
from seg.pipeline import flow, keys

HELPER = "def amounts(transactions):\n    return transactions.amount * {factor}\n"
ADAPTER = """
from dataclasses import replace

from seg.datasets import toy
from {package}helper import amounts


def load(engine, source, **options):
    loaded = toy.load(engine, source, **options)
    return replace(loaded, table=loaded.table.mutate(amount=amounts(loaded.table)))
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Write an adapter outside seg whose helper is a module beside it; return its folder."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "corner_shop.py").write_text(ADAPTER.format(package=""))
    (tmp_path / "helper.py").write_text(HELPER.format(factor=1))
    yield tmp_path
    forget()


def forget() -> None:
    """Let Python import the modules of the shop anew, as another process would."""
    for name in ("corner_shop", "helper"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


def revenue(tmp_path) -> float:
    load.prepare_environment()
    overrides = [
        "dataset=toy", "dataset.customers=200", "dataset.load._target_=corner_shop.load", "k=2", "selection.k_range=[2]",
        "tracking=none", f"cache.folder={tmp_path}/cache",
    ]  # fmt: skip
    cfg = compose.compose(overrides)
    result = flow.segment(load.settings(cfg), compose.instantiate_parts(cfg))
    return result.table.frame["revenue"].sum()


def test_a_helper_beside_an_adapter_outside_seg_changes_the_numbers_of_the_next_run(shop):
    first = revenue(shop)
    assert revenue(shop) == first
    (shop / "helper.py").write_text(
        HELPER.format(factor=20)
    )  # another size, so that no compiled file is taken
    forget()
    assert revenue(shop) == pytest.approx(20 * first)


def test_a_helper_beside_an_adapter_outside_seg_makes_a_job_of_a_sweep_another_one(shop):
    config = {
        "dataset": {"load": {"_target_": "corner_shop.load"}},
        "engine": {},
        "tracking": {"enabled": False},
        "k": 3,
    }
    before = keys.job_key(config, "data", takes_k=True)
    assert keys.job_key(config, "data", takes_k=True) == before
    (shop / "helper.py").write_text(HELPER.format(factor=20))
    assert keys.job_key(config, "data", takes_k=True) != before


def test_every_source_file_of_seg_is_part_of_every_key(tmp_path, monkeypatch):
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "glossary.py").write_text("from seg.features.ratios import ratio\n")
    helper = tmp_path / "features" / "ratios.py"
    helper.write_text("def ratio(a, b): return a / b\n")
    monkeypatch.setattr(keys, "SOURCE", tmp_path)
    keys.code.cache_clear()
    before = keys.code()
    helper.write_text("def ratio(a, b): return 2 * a / b\n")
    keys.code.cache_clear()
    assert keys.code() != before
    monkeypatch.undo()
    keys.code.cache_clear()


def test_a_package_outside_seg_is_hashed_with_its_subpackages(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    inner = tmp_path / "market" / "parts" / "prices.py"
    inner.parent.mkdir(parents=True)
    (tmp_path / "market" / "__init__.py").write_text("")
    inner.write_text("FACTOR = 1\n")
    before = keys.definition("market.load")
    inner.write_text("FACTOR = 2\n")
    assert before and keys.definition("market.load") != before


def test_an_installed_library_is_known_by_its_version(monkeypatch):
    before = keys.definition("sklearn.cluster.KMeans")
    assert before == keys.definition("sklearn.mixture.GaussianMixture") != keys.definition("umap.UMAP")
    monkeypatch.setattr(keys, "_version", lambda name: "99")
    keys._distribution_version.cache_clear()
    assert keys.definition("sklearn.cluster.KMeans") != before
    monkeypatch.undo()
    keys._distribution_version.cache_clear()


@pytest.mark.parametrize("target", ["", "seg.datasets.toy.load", "no_such_module.load", "builtins.dict"])
def test_what_is_segs_own_or_unknown_adds_nothing(target):
    assert keys.definition(target) == ""
