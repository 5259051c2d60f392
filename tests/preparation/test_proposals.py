"""Options that `seg data check` proposes for files of unknown layout, and what Hydra makes of them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

import inputs.spellings as sp
from seg.config.overrides import readable
from seg.preparation.proposals import propose
from seg.sources.locate import Source

DEFAULT = {"customer_id": "customer_id", "ordered_at": "ordered_at", "order_id": None, "amount": None}
COLUMNS = {"customer_id": "cust", "ordered_at": "date", "order_id": "order", "amount": "total"}
BODY = sp.text().split("\n", 1)[1]
CASES = [
    ("no header", BODY, DEFAULT, ["dataset.names=[column_1,customer_id,ordered_at,amount]", "dataset.columns.amount=amount"]),
    ("names are declared", sp.padded().split("\n", 1)[1], COLUMNS, ["dataset.delimiter=whitespace"]),
    ("names of two kinds", sp.text().replace("total", "2024", 1), COLUMNS | {"amount": "2024"}, []),
    ("UTF-16 without a mark", sp.text().encode("utf-16-le"), COLUMNS, ["dataset.encoding=utf-16-le"]),
    ("carets", sp.text(delimiter="^"), COLUMNS, ["dataset.delimiter=^"]),
    ("Polish", sp.text().replace("order,cust,date,total", "Zamówienie,Klient,Data,Kwota"), DEFAULT,
     ["dataset.columns.customer_id=Klient", "dataset.columns.order_id=Zamówienie", "dataset.columns.ordered_at=Data", "dataset.columns.amount=Kwota"]),
    ("months in words", sp.text("{:%B %d, %Y}".format), COLUMNS, ["dataset.date_format=%B %d, %Y"]),
    ("brackets in names", sp.text().replace("total", "[total]", 1).replace("cust", "cust (id)", 1), DEFAULT,
     ["dataset.columns.customer_id=cust (id)", "dataset.columns.order_id=order", "dataset.columns.ordered_at=date", "dataset.columns.amount=[total]"]),
]  # fmt: skip


@pytest.mark.parametrize(
    "content, columns, options", [one[1:] for one in CASES], ids=[one[0] for one in CASES]
)
def test_the_options_that_read_a_file_are_proposed_and_are_texts_to_hydra(
    tmp_path, content, columns, options
):
    path = tmp_path / "orders.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    names = ["order", "cust", "date", "total"] if options == ["dataset.delimiter=whitespace"] else None
    dataset = SimpleNamespace(columns=columns, delimiter=",", encoding="utf-8", names=names, date_format=None)
    proposal = propose(dataset, Source("orders", "file", (path,), ""))
    assert (proposal.overrides if proposal else []) == options
    for option in options:
        key, _, value = option.partition("=")
        read = OverridesParser.create().parse_override(readable(option))
        assert not read.is_sweep_override()
        assert key == "dataset.names" or read.value() == value


@pytest.mark.parametrize("name", ["2024", "true", "net, EUR", "[x]", "a(b)", "{x}", "a\\b(", "[it\\'s]\\"])
def test_a_column_may_have_any_name(name):
    assert OverridesParser.create().parse_override(readable(f"dataset.columns.amount={name}")).value() == name


def test_an_encoding_that_reads_any_bytes_is_called_a_guess(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_bytes(sp.text(spell_id=lambda id, at: f"Ö{id}").encode("cp1254"))
    dataset = SimpleNamespace(columns=COLUMNS, delimiter=",", encoding="utf-8", date_format=None)
    proposal = propose(dataset, Source("orders", "file", (path,), ""))
    assert proposal.overrides == ["dataset.encoding=windows-1252"] and "is a guess" in proposal.notes[0]
