"""One command for many brands: by the files that match, by names that are listed, by the jobs of a sweep."""

from __future__ import annotations

import json

import pytest

from seg.cli import for_each
from seg.errors import SegError


def done(*arguments: str) -> list[tuple[str, ...]]:
    """Return with what the action of a command is called."""
    calls = []
    for_each.named(lambda *texts: calls.append(texts) or 0)(*arguments)
    return calls


def test_each_file_that_matches_is_a_brand_whose_name_is_put_in_everywhere(tmp_path):
    for name in ("b", "a", "a.old"):
        (tmp_path / f"{name}.csv").touch()
    (tmp_path / "readme.txt").touch()
    calls = done(
        "model=models:/seg-{name}@champion", f"input={tmp_path}/{{name}}.csv", "output=out/{name}.parquet"
    )
    assert [call[0] for call in calls] == [f"model=models:/seg-{one}@champion" for one in ("a", "a.old", "b")]
    assert calls[0][1:] == (f"input={tmp_path}/a.csv", "output=out/a.parquet")


def test_names_may_be_listed_where_the_orders_lie_at_an_address():
    calls = done(
        "each=a, b", "model=models:/seg-{name}@champion", "input=s3://brand/{name}/*.csv", "output={name}.csv"
    )
    assert [call[1] for call in calls] == ["input=s3://brand/a/*.csv", "input=s3://brand/b/*.csv"]


def test_a_command_without_a_place_for_names_is_done_once():
    assert done("model=x", "input=a.csv") == [("model=x", "input=a.csv")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["each=a,b", "input=x.csv"], "each=a,b: no option holds {name}"),
        (["model=seg-{name}"], "expected it in input= or dataset.path= too"),
        (["input=nowhere/{name}.csv"], "no file matches"),
        (["input=s3://b/{name}.csv"], "expected each=brand_a,brand_b"),
        (["each=a,b", "model={name}", "output=one.csv"], "2 brands would write to it"),
        (["each=,", "model={name}"], "each=,: expected names"),
        (["each=../a", "model={name}"], "each=../a: expected names"),
    ],
)
def test_what_cannot_be_is_refused(arguments, words):
    with pytest.raises(SegError) as error:
        done(*arguments)
    assert words in str(error.value)


def test_one_brand_that_fails_does_not_stop_the_others_and_the_worst_code_remains(capsys):
    def action(name: str) -> int:
        if name == "a":
            raise SegError("has no orders")
        return 3 if name == "b" else 0

    code = for_each.several({name: (action, [name]) for name in "abc"})
    said = capsys.readouterr().err
    assert (
        code == 1
        and "error: a: has no orders" in said
        and "3 in all, 2 done; failed: a; exit code 3: b" in said
    )
    with pytest.raises(SegError):
        for_each.several({"a": (action, ["a"])})


def test_the_runs_of_a_sweep_are_named_by_its_directory(tmp_path):
    assert for_each.jobs_of("3f2a81c0,runs/a") == ["3f2a81c0", "runs/a"]
    (tmp_path / "sweep.json").write_text("{}")
    with pytest.raises(SegError, match="no job of this sweep has finished"):
        for_each.jobs_of(str(tmp_path))
    for number, run_id in enumerate(["r0", None]):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "job.json").write_text(json.dumps({"num": number, "run_id": run_id}))
    assert [job["run_id"] for job in for_each.jobs_of(str(tmp_path))] == ["r0"]
