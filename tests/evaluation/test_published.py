"""Published figures beside those of a run."""

import pandas as pd
import pytest

from seg import study
from seg.config import compose, folders
from seg.config.settings import PublishedFigure
from seg.errors import SegError
from seg.evaluation import published
from seg.pipeline import flow


def verdict(value, ours, tolerance=0, real=True) -> str:
    source = "not published" if value is None else "printed"
    entry = PublishedFigure(figure="size", key="size", value=value, tolerance=tolerance, source=source)
    return published.compare([entry], {"size": ours}, real)["verdict"].item()


@pytest.mark.parametrize(
    ("value", "ours", "tolerance", "expected"),
    [
        (100, 100, 0, "same"),
        (100, 101, 0, "DIFFERS"),
        (100, 101, 1, "within 1"),
        (9109.41, 11046.66, "25 %", "within 25 %"),
        (0.596, 0.5957, 0.002, "same"),
        (0.596, 0.5956, 0.002, "same"),  # what is published is rounded to three digits
        (100, 102, "1 %", "DIFFERS"),
        (200, 198, "1 %", "within 1 %"),
        (-0.2, -0.201, "1 %", "same"),
        ([3, 2, 1], [3, 2, 1], 0, "same"),
        ([3, 2, 1], [3, 3], 0, "DIFFERS"),
        ([100, 10], [101, 11], "1 %", "DIFFERS"),
        (100, 90, None, "other data"),
        (None, 5, 0, "not published"),
        (5, None, 0, "not measured"),
        (5, float("nan"), 0, "not measured"),
    ],
)
def test_a_figure_is_the_same_within_its_tolerance(value, ours, tolerance, expected):
    assert verdict(value, ours, tolerance) == expected


@pytest.mark.parametrize(
    ("tolerance", "shown"), [(0, "exact"), (1, "1.0"), (-0.0, "exact"), ("25 %", "25 %"), (None, "-")]
)
def test_the_table_shows_the_tolerance(tolerance, shown):
    entry = PublishedFigure(figure="size", key="size", value=2, tolerance=tolerance, source="printed")
    assert published.compare([entry], {"size": 2}, True)["tolerance"].item() == shown


def test_sample_data_are_never_the_same_as_what_was_published():
    assert verdict(100, 100, real=False) == "sample data"
    assert published.compare([], {}, True) is None


@pytest.mark.parametrize("tolerance", ["one", "-1", "1 % or so", "nan", "inf"])
def test_a_tolerance_is_a_number_or_a_share(tolerance):
    with pytest.raises(
        SegError, match=r"tolerance=.*expected a number of at least 0, or a share such as 1 %"
    ):
        published.reach(tolerance, 1.0)


def test_every_number_of_a_run_has_a_name():
    ledger = pd.DataFrame(
        [("loaded", 9, 3, 90.0), ("drop", 8, 2, 80.0)], columns=["step", "rows", "customers", "revenue"]
    )
    segments = pd.DataFrame(
        {"segment": [0, 1], "name": ["a", "b"], "size": [2, 7], "mean_orders": [4.0, 5.0]}
    )
    named = published.values(
        ledger, segments, pd.DataFrame({"k": [2], "silhouette": [0.5]}), {"own/silhouette": 0.5}
    )
    assert named["ledger/drop/customers"] == 2
    assert named["segments/1/mean_orders"] == 5
    assert named["scan/silhouette/2"] == named["own/silhouette"] == 0.5
    assert named["sizes"] == [7, 2]
    assert "segments/0/name" not in named


def test_a_page_keeps_everything_around_its_table(tmp_path):
    (tmp_path / "x").mkdir()
    table = pd.DataFrame([("size", "printed", "1", "2", "exact", "DIFFERS")], columns=published.COLUMNS)
    path = tmp_path / "x" / "README.md"
    path.write_text(f"# x\n\n{study.START}\nold\n{study.END}\n\nend\n")
    study.page("x", published.markdown(table), tmp_path)
    assert path.read_text() == f"# x\n\n{study.START}\n{published.markdown(table)}\n{study.END}\n\nend\n"
    path.write_text("# no marks\n")
    with pytest.raises(SegError, match="no place for the table; add a line"):
        study.page("x", "", tmp_path)


def test_a_study_that_compares_nothing_is_an_error(capsys):
    assert study.main(["toy"]) == 1
    assert "toy: no study with a table; expected one of" in capsys.readouterr().err


def test_a_study_on_sample_data_leaves_its_page_alone(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("SEG_DATA_DIR", str(tmp_path))
    before = (folders.ASSETS / "experiments" / "flo" / "README.md").read_text()
    assert study.main(["flo"]) == 1
    assert "flo: the real files of flo are missing" in capsys.readouterr().err
    assert (folders.ASSETS / "experiments" / "flo" / "README.md").read_text() == before


@pytest.fixture
def redone(real_data, monkeypatch):
    """Redo a study: its table comes back within its tolerances; returns the segmentation that it comes from."""
    made, segment = [], flow.segment
    monkeypatch.setattr(flow, "segment", lambda *parts: made.append(segment(*parts)) or made[0])

    def redo(name: str):
        table = study.redo(name)
        assert not table["verdict"].isin([published.DIFFERS, published.UNKNOWN, published.SAMPLE]).any()
        assert table["verdict"].isin([published.SAME, published.OTHER]).any()
        return made[0]

    return redo


@pytest.mark.real
@pytest.mark.parametrize("name", ["rfm_pyspark", "amazon_electronics"])
def test_a_published_study_comes_back(redone, name):
    redone(name)


@pytest.mark.real
def test_flo_comes_back_with_a_share_of_each_category(redone):
    assert "mean_category_KADIN" in redone("flo").segments


@pytest.mark.real
def test_nova_ims_comes_back_in_one_of_the_four_known_optima(redone):
    result = redone("nova_ims")
    optima = {
        (2109, 2810, 4524): 0.7685253,  # published, with 0.7685266695 from Spark
        (2097, 2820, 4526): 0.7687730,
        (2092, 2817, 4534): 0.7690050,
        (2096, 2815, 4532): 0.7688990,
    }
    sizes = tuple(sorted(result.segments["size"]))
    assert sum(sizes) == 9443
    assert sizes in optima
    scan = result.scan.table.set_index("k")
    assert scan.loc[3, "silhouette_sq"] == pytest.approx(optima[sizes], abs=1e-5)
    months = [column for column in result.segments if column.startswith("mean_revenue_2")]
    assert (months[0], months[-1], len(months)) == ("mean_revenue_2022-12", "mean_revenue_2024-12", 25)
    # The word for a missing description differs between the sheets: duplicates are of the text as it is.
    assert list(result.ledger["rows"].iloc[:2]) == [1_067_371, 1_067_371 - 34_228]


def test_every_page_of_a_published_study_holds_its_table_of_today():
    for name in study.studies():
        text = (folders.ASSETS / "experiments" / name / "README.md").read_text()
        table = text.partition(study.START)[2].partition(study.END)[0]
        if study.is_sweep(name):
            assert table.strip().startswith("| ")
            continue
        figures = [line.split(" | ")[0].removeprefix("| ") for line in table.strip().splitlines()[2:]]
        wanted = [entry["figure"] for entry in compose.compose([f"experiment={name}"]).published]
        assert figures == wanted


def test_a_figure_that_was_not_measured_is_a_dash():
    assert published._shown(None) == published._shown(float("nan")) == "-"
    assert published._shown([3, 2.5]) == "3 / 2.5"
