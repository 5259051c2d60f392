"""Ids that are nearly the same as another, or stand for nobody."""

from __future__ import annotations

import unicodedata
from collections import defaultdict

import ibis
from ibis.expr import types as ir

from seg.engine import Engine
from seg.errors import number_of

# Characters of an id that nobody sees: controls, soft hyphens, zero-width ones, marks of direction.
UNSEEN = "[\\x{00}-\\x{1F}\\x{7F}\\x{AD}\\x{200B}-\\x{200F}\\x{202A}-\\x{202E}\\x{2060}\\x{FEFF}]"
# 12,103 is 12103 with the groups that spreadsheets and reports show, 12103,00 the same with decimals.
GROUPED = "^[1-9][0-9]{0,2}(?:[,.'\u2019 \u00a0\u202f][0-9]{3})+\\z"
MARKS = "['\"`\u00b4\u2018\u2019\u201c\u201d]"
# Characters that look like another, and that one.
LOOKALIKES = {
    **dict.fromkeys("\u00a0\u202f", " "),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    **dict.fromkeys("\u2018\u2019\u02bc", "'"),
}
DECIMALS = "^[0-9]+[.,]0+\\z"
# An id of letters of one case or of few digits: none of the `WAYS` below makes two of them one.
PLAIN = "^(?:[1-9][0-9]{{0,14}}|[0-9{0}_-]*[{0}][0-9{0}_-]*)\\z"
FEW = 3  # ids
MOST = 1_000  # ids that are looked for at once
# Words that systems write where nobody knows the customer.
NOBODY = (
    "na",
    "n/a",
    "nan",
    "null",
    "none",
    "nil",
    "unknown",
    "undefined",
    "guest",
    "anonymous",
    "anonym",
    "-",
    "?",
    ".",
    "0",
    "-1",
    "#n/a",
)


# How ids may differ without anyone noticing, and what to do.
WAYS = {
    "unseen": (
        "characters that are not seen (zero-width or control characters)",
        "remove them from the file",
    ),
    "case": ("upper and lower case or blanks", "set dataset.id_case=lower to read them as one"),
    "zeros": (
        "zeros in front",
        "a spreadsheet drops such zeros: export the column as text if they are one customer",
    ),
    "marks": ("quotation marks or apostrophes around it", "remove them from the file"),
    "groups": (
        "the grouping or the decimals of a number",
        "a spreadsheet or a report has formatted them: export the column as text without a format",
    ),
}


def alike_ids(engine: Engine, table: ir.Table, source: str) -> list[str]:
    """Return notes on customers whose ids differ only in case, blanks, zeros in front, the format of a number, or characters.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        Order lines or customers.
    source : str
        Name of the column of ids in the file.

    Returns
    -------
    list of str
        At most one note on each way to differ.
    """
    outside = {case: ~table.customer_id.re_search(PLAIN.format(case)) for case in ("A-Z", "a-z")}
    odd = engine.collect(table.aggregate(**{case: ids.sum().fill_null(0) for case, ids in outside.items()}))
    if not odd.iloc[0].min():
        return []
    ids = table.filter(table.customer_id.notnull()).select(id=table.customer_id).distinct()
    forms = _forms(ids.id)
    counts = engine.collect(
        ids.aggregate(ids=ids.count(), **{name: form.nunique() for name, form in forms.items()})
    ).iloc[0]
    notes = []
    for name, (difference, advice) in WAYS.items():
        pairs = int(counts["ids"] - counts[name])
        if pairs:
            notes.append(
                f"{pairs:,} customers have an id that differs from another only in {difference}, such as "
                f"{_example(engine, ids, forms[name])} ({source}): they are counted as different customers; {advice}"
            )
    return [*notes, *_about_lost_digits(engine, ids, source), *_about_unicode(engine, ids, source)]


def _forms(id: ir.StringValue) -> dict[str, ir.StringValue]:
    """Return an id without each of the `WAYS` to differ."""
    return {
        "unseen": id.re_replace(UNSEEN, ""),
        "case": id.lower().re_replace("[ \t\u00a0]+", " "),
        "zeros": id.re_search("^0*[1-9][0-9]*\\z").ifelse(id.re_replace("^0+", ""), id),
        "marks": id.re_replace(f"^{MARKS}+|{MARKS}+\\z", ""),
        "groups": ibis.cases(
            (id.re_search(GROUPED), id.re_replace("[^0-9]", "")),
            (id.re_search(DECIMALS), id.re_replace("[.,]0+\\z", "")),
            else_=id,
        ),
    }


def _about_lost_digits(engine: Engine, ids: ir.Table, source: str) -> list[str]:
    """Return a note on long numbers that all end in zeros: a spreadsheet keeps 15 digits, a program that reads it 16."""
    counts = {}
    for kept in (15, 16):
        long = ids.id.re_search(f"^[1-9][0-9]{{{kept},}}\\z")
        zeros = ids.id.re_search(f"^[1-9][0-9]{{{kept - 1}}}0+\\z")
        counts |= {f"ids {kept}": long.sum(), f"zeros {kept}": (long & zeros).sum()}
        counts[f"first {kept}"] = ids.id.min(where=long)
    row = engine.collect(ids.aggregate(**counts)).iloc[0]
    for kept in (15, 16):
        if row[f"ids {kept}"] >= FEW and row[f"zeros {kept}"] == row[f"ids {kept}"]:
            return [
                f"all {int(row[f'ids {kept}']):,} ids of more than {kept} digits have nothing but zeros behind the {kept}th, such as "
                f"{row[f'first {kept}']!r} ({source}): a spreadsheet has dropped their last digits, and different customers may have become "
                "one; export the column as text"
            ]
    return []


def _about_unicode(engine: Engine, ids: ir.Table, source: str) -> list[str]:
    """Return a note on ids that are one text in different characters, such as \u00fc as one character and as u with two dots."""
    texts = engine.collect(ids.filter(ids.id.re_search("[^\\x{00}-\\x{7F}]"))).id
    forms = defaultdict(set)
    for text in texts:
        plain = text.translate(str.maketrans(LOOKALIKES))
        forms[unicodedata.normalize("NFKC", plain)].add(text)
    changed = [form for form, same in forms.items() if form not in same][:MOST]
    if changed:
        for text in engine.collect(ids.filter(ids.id.isin(changed))).id:
            forms[text].add(text)
    alike = {form: sorted(same) for form, same in forms.items() if len(same) > 1}
    if not alike:
        return []
    first, second = next(iter(alike.values()))[:2]
    return [
        f"{sum(len(same) - 1 for same in alike.values()):,} customers have an id that differs from another only in characters that look "
        f"alike (Unicode), such as {first!a} and {second!a} ({source}): they are counted as different customers; "
        "write them in one way (NFC, plain hyphens) before the export"
    ]


def _example(engine: Engine, ids: ir.Table, form: ir.StringValue) -> str:
    formed = ids.mutate(form=form)
    pairs = formed.group_by("form").aggregate(
        least=formed.id.min(), greatest=formed.id.max(), times=formed.count()
    )
    row = engine.collect(pairs.filter(pairs.times > 1).order_by("form").limit(1)).iloc[0]
    return f"{row.least!r} and {row.greatest!r}"


def placeholders(engine: Engine, table: ir.Table) -> dict[str, int]:
    """Count the rows of ids that stand for nobody, such as ``NULL`` or ``guest``: each would be one customer with many orders.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        Order lines.

    Returns
    -------
    dict of str to int
        Rows by id, the most frequent first.
    """
    nobody = table.filter(table.customer_id.lower().isin(NOBODY))
    counts = nobody.group_by("customer_id").aggregate(rows=nobody.count())
    frame = engine.collect(counts.order_by(ibis.desc("rows"), "customer_id"))
    return {str(id): int(rows) for id, rows in zip(frame["customer_id"], frame["rows"], strict=True)}


def about_placeholders(rows: dict[str, int], option: str = "cleaning.steps") -> str | None:
    """Return a note on ids that stand for nobody, see `placeholders`; `option` drops their rows."""
    if not rows:
        return None
    shown = ", ".join(f"{id!r} ({number_of(times, 'row')})" for id, times in rows.items())
    return (
        f"{shown} {'is' if len(rows) == 1 else 'are'} counted as a customer{'' if len(rows) == 1 else ' each'}; if nobody is meant, leave "
        f"the rows out with the cleaning step drop_customers ({option})"
    )
