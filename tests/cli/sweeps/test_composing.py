"""The jobs of a sweep are composed as Hydra composes them, most of them without Hydra."""

from __future__ import annotations

import pickle

import pytest
from hydra import initialize_config_dir
from hydra.conf import ConfigSourceInfo
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException
from hydra.plugins.config_source import ConfigLoadError
from hydra.types import RunMode
from omegaconf import OmegaConf

from seg.cli.sweeps import composing
from seg.config import folders

JOBS = [
    ["dataset=toy", "k=3", "scaler=standard"],
    ["dataset=toy", "k=4", "scaler=standard"],
    ["dataset=toy", "k=3", "scaler=robust"],
    ["dataset=toy", "k=auto", "segments.names={0: VIP}", "dataset.customers=70"],
    ["dataset=toy", "k=5", "segments.names={1: New}", "dataset.customers=80"],
    ["dataset=toy", "k=5", "+dataset.columns.shop=Shop"],
    ["dataset=toy", "k=5", "~selection.k_max"],
    ["dataset=toy", "k=6", "selection.k_range=[2,3]"],
]


@pytest.fixture
def hydra():
    """Hydra's loader, and the configuration of a sweep."""
    folders.prepare_environment()
    with initialize_config_dir(str(folders.CONFIGS), version_base=None):
        loader = GlobalHydra.instance().config_loader()
        yield loader, loader.load_configuration("run", ["cache=off"], RunMode.MULTIRUN)


def test_every_job_is_what_hydra_composes(hydra):
    loader, cfg = hydra
    for job, ours in zip(JOBS, composing.compose_jobs(cfg, loader, JOBS), strict=True):
        theirs = loader.load_sweep_config(cfg, job)
        OmegaConf.set_struct(theirs, False)
        theirs.pop("hydra")
        assert OmegaConf.to_container(ours, resolve=False) == OmegaConf.to_container(theirs, resolve=False), (
            job
        )


def test_a_key_that_is_not_there_is_an_error(hydra):
    loader, cfg = hydra
    with pytest.raises(ConfigCompositionException, match=r"Could not override 'dataset\.custmers'"):
        list(composing.compose_jobs(cfg, loader, [["dataset=toy", "dataset.custmers=3"]]))


def test_what_composing_follows_from_makes_what_was_composed_useless(hydra, tmp_path, monkeypatch):
    _, cfg = hydra
    cfg.hydra.runtime.config_sources = [ConfigSourceInfo(str(tmp_path), "file", "main")]
    states = []
    for content, secret in (
        ("a: 1", "x"),
        ("a: 2", "x"),
        ("a: ${oc.env:SEG_TRIED}", "x"),
        ("a: ${oc.env:SEG_TRIED}", "y"),
    ):
        (tmp_path / "one.yaml").write_text(content)
        monkeypatch.setenv("SEG_TRIED", secret)
        states.append(composing._state(cfg))
    assert len(set(states)) == 4 and composing._state(cfg) == states[-1]


def test_another_directory_of_the_sweep_leaves_what_was_composed_as_it_is(hydra):
    loader, cfg = hydra
    elsewhere = loader.load_configuration("run", ["cache=off", "hydra.sweep.dir=elsewhere"], RunMode.MULTIRUN)
    assert composing._state(elsewhere) == composing._state(cfg)


def test_a_file_is_read_once_and_again_when_it_was_touched(tmp_path, monkeypatch):
    path = tmp_path / "one.yaml"
    path.write_text("a: 1")
    source = pickle.loads(
        pickle.dumps(composing.ReadOnce("main", str(tmp_path)))
    )  # as the processes of a sweep get it
    first = source.load_config("one")
    first.config.a = "written into by Hydra"
    with monkeypatch.context() as patched:
        patched.setattr(OmegaConf, "load", None)
        assert source.load_config("one").config == {"a": 1}
    path.write_text("a: 23")
    assert source.load_config("one").config == {"a": 23}
    with pytest.raises(ConfigLoadError, match=r"two\.yaml"):
        source.load_config("two")
