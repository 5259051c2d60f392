"""Where configs, samples and runs lie; configs of one's own."""

from pathlib import Path

import pytest

from seg.config import compose, folders, load
from seg.errors import SegError


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Write files into a folder of configs, which every command then reads."""

    def write(**files: str) -> Path:
        for name, text in files.items():
            group, stem = name.split("__")
            path = tmp_path / "mine" / group / f"{stem}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.setenv(folders.OWN, str(tmp_path / "mine"))
        return tmp_path / "mine"

    return write


def test_a_checkout_is_its_own_home_unless_seg_home_is_set(monkeypatch, tmp_path):
    monkeypatch.delenv("SEG_HOME", raising=False)
    assert folders.home() == folders.checkout() == folders.ASSETS
    monkeypatch.setenv("SEG_HOME", str(tmp_path))
    assert folders.home() == tmp_path


def test_an_installed_package_keeps_runs_in_the_current_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("SEG_HOME", raising=False)
    monkeypatch.setattr(folders, "PACKAGE", tmp_path / "site-packages" / "seg")
    monkeypatch.chdir(tmp_path)
    assert folders.checkout() is None
    assert folders.home() == tmp_path


def test_own_configs_are_choices_beside_those_of_seg(own):
    own(recipe__weekly="# Two numbers, week by week.\nfeatures: [recency_days, {orders: log1p}]\n")
    assert {"weekly", "rfm"} <= set(folders.choices("recipe"))
    assert folders.summary("recipe", "weekly") == "Two numbers, week by week."
    folders.prepare_environment()
    settings = load.settings(compose.compose(["dataset=toy", "recipe=weekly"]))
    assert settings.recipe.features == ["recency_days", {"orders": "log1p"}]


def test_an_own_data_set_is_seg_s_mapping_with_other_columns(own):
    own(
        dataset__shop="# My shop.\ndefaults:\n  - transactions\n  - _self_\nname: shop\ncolumns:\n  customer_id: cust\n"
    )
    folders.prepare_environment()
    settings = load.settings(compose.compose(["dataset=shop"]))
    assert settings.dataset.name == "shop"
    assert settings.dataset.columns["customer_id"] == "cust"
    assert settings.dataset.columns["ordered_at"] == "ordered_at"
    assert [next(iter(step)) for step in settings.cleaning.steps[:1]] == ["drop_missing"]


def test_a_config_folder_that_is_missing_empty_or_repeats_a_name_is_refused(own, tmp_path, monkeypatch):
    monkeypatch.setenv(folders.OWN, str(tmp_path / "nowhere"))
    with pytest.raises(SegError, match=r"--config-dir .*nowhere: no such folder"):
        folders.prepare_environment()
    (tmp_path / "mine" / "datasets").mkdir(parents=True)
    monkeypatch.setenv(folders.OWN, str(tmp_path / "mine"))
    with pytest.raises(
        SegError, match=r"holds no configs; expected YAML files in folders such as dataset.*datasets"
    ):
        folders.prepare_environment()
    own(model__kmeans="# Mine.\n_target_: sklearn.cluster.KMeans\n")
    with pytest.raises(SegError, match=r"model/kmeans.yaml: seg has a file of this name; rename yours"):
        folders.prepare_environment()


def test_an_unknown_choice_lists_own_ones_too(own):
    own(recipe__weekly="# Two numbers, week by week.\nfeatures: [orders, revenue]\n")
    with pytest.raises(SegError, match="recipe=weakly: unknown; expected one of weekly"):
        folders.config_file("recipe", "weakly")
