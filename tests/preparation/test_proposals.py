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
    ("control characters", sp.text(delimiter="\x01"), COLUMNS, ["dataset.delimiter=\\x01"]),
    ("single quotes", sp.text(quote="'"), COLUMNS, ["dataset.quote=single"]),
    ("amounts alone in single quotes", sp.text(spell_amount=lambda x: f"'{x}'"), COLUMNS, ["dataset.quote=single"]),
    ("amounts behind an apostrophe", sp.text(spell_amount=lambda x: f"'{x}"), DEFAULT,
     ["dataset.columns.customer_id=cust", "dataset.columns.order_id=order", "dataset.columns.ordered_at=date", "dataset.columns.amount=total"]),
    ("year and day of the year", sp.text("{:%Y%j}".format), COLUMNS, ["dataset.date_format=%Y%j"]),
    ("dates of .NET", sp.text(lambda day: f"/Date({sp.seconds(day)}000)/"), COLUMNS, ["dataset.date_format=epoch_ms"]),
    ("SAP", sp.text(head="VBELN,KUNNR,ERDAT,NETWR"), DEFAULT,
     ["dataset.columns.customer_id=KUNNR", "dataset.columns.order_id=VBELN", "dataset.columns.ordered_at=ERDAT", "dataset.columns.amount=NETWR"]),
    ("Shopify", sp.text(head="Name,Email,Created at,Total Price"), DEFAULT,
     ["dataset.columns.customer_id=Email", "dataset.columns.ordered_at=Created at", "dataset.columns.amount=Total Price"]),
    ("a price without pieces", sp.text(head="amazon-order-id,buyer-email,purchase-date,item-price"), DEFAULT,
     ["dataset.columns.customer_id=buyer-email", "dataset.columns.order_id=amazon-order-id", "dataset.columns.ordered_at=purchase-date",
      "dataset.columns.amount=item-price"]),
    ("Cyrillic in its own encoding", sp.text(head="Заказ,Клиент,Дата,Сумма").encode("cp1251"), DEFAULT,
     ["dataset.encoding=windows-1251", "dataset.columns.customer_id=Клиент", "dataset.columns.order_id=Заказ", "dataset.columns.ordered_at=Дата",
      "dataset.columns.amount=Сумма"]),
    ("Polish in its own encoding", sp.text(head="Zamówienie,Klient,Data,Kwota", spell_amount=lambda x: f"{x} zł").encode("cp1250"), DEFAULT,
     ["dataset.encoding=windows-1250", "dataset.columns.customer_id=Klient", "dataset.columns.order_id=Zamówienie", "dataset.columns.ordered_at=Data",
      "dataset.columns.amount=Kwota"]),
    ("Japanese in its own encoding", sp.text(head="注文番号,顧客ID,注文日,金額").encode("shift_jis"), DEFAULT,
     ["dataset.encoding=shift_jis", "dataset.columns.customer_id=顧客ID", "dataset.columns.order_id=注文番号", "dataset.columns.ordered_at=注文日",
      "dataset.columns.amount=金額"]),
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
