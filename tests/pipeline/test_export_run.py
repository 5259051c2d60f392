"""Tables that are computed from the data once more are left out where the data are gone, unless they were asked for by name."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from seg.errors import SegError
from seg.pipeline import export_run
from seg.preparation import prepare


def test_a_source_that_is_down_costs_the_tables_of_months_and_nothing_else(tmp_path, monkeypatch, caplog):
    def down(*_):
        raise SegError("dataset.path=postgresql://db/shop: connection refused")

    monkeypatch.setattr(prepare, "find", down)
    asked = SimpleNamespace(dataset=SimpleNamespace(kind="transactions"))
    with caplog.at_level("WARNING", "seg"):
        assert export_run._Orders(tmp_path, asked, "", None, ["monthly"]).get("monthly")() is None
    assert "connection refused. Left out: monthly" in caplog.text
    with pytest.raises(SegError, match="connection refused"):
        export_run._Orders(tmp_path, asked, "", None, ["monthly", "transactions"]).get("monthly")()
