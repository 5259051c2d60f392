"""A hold-out of several cuts: rising days, of which the last decides."""

from datetime import date

import pytest
from hydra.errors import HydraException
from pydantic import ValidationError

from seg.config.compose import compose
from seg.config.overrides import explain
from seg.config.settings import HoldoutSettings


def test_the_last_of_several_cuts_decides_and_the_others_show_the_spread():
    asked = HoldoutSettings(cut=["2011-03-10", date(2011, 6, 10), "2011-09-10"])
    assert asked.cut == date(2011, 9, 10)
    assert asked.earlier == [date(2011, 3, 10), date(2011, 6, 10)]
    assert HoldoutSettings(cut="2011-09-10").earlier == [] and HoldoutSettings().cut is None


@pytest.mark.parametrize(
    "cuts", [["2011-09-10", "2011-06-10"], ["2011-09-10", "2011-09-10"], [], [None], ["soon"]]
)
def test_cuts_in_the_wrong_order_are_refused(cuts):
    with pytest.raises(ValidationError, match=r"expected rising days|expected a day such as"):
        HoldoutSettings(cut=cuts)


@pytest.mark.parametrize(
    ("sweeps", "advice"), [(True, "or add -m for one run of each"), (False, "otherwise one value at a time")]
)
def test_cuts_without_brackets_are_explained_for_commands_with_sweeps_and_without(sweeps, advice):
    text = "2011-03-10,2011-06-10"
    with pytest.raises(HydraException) as refused:
        compose([f"evaluation.holdout.cut={text}"])
    said = explain(refused.value, [], sweeps=sweeps)
    assert said.startswith(
        f"evaluation.holdout.cut={text}: several values; write evaluation.holdout.cut=[{text}]"
    )
    assert advice in said
