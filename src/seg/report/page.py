"""What the pages of seg share: templates, the headline of a run, tables and figures as a template needs them."""

import base64
import functools
import struct
from collections.abc import Sequence
from importlib import resources

import jinja2
import pandas as pd

from seg.segments import worth
from seg.segments.formats import ENGLISH, Locale

# Figures wider than this, in CSS pixels, take a full row: two do not fit beside each other.
_HALF_ROW = 620
# Pixels an inch of the figures, see `seg.report.plots.style.DPI`.
_DPI = 144


@functools.cache
def template(name: str, locale: Locale = ENGLISH) -> jinja2.Template:
    """Load a page by its path in the package, with number filters for a locale; templates include each other by path."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(lambda path: resources.files("seg").joinpath(path).read_text("utf-8")),
    )
    environment.filters |= {
        "number": locale.number,
        "percent": locale.percent,
        "compact": locale.compact,
        "fixed": locale.fixed,
        "prose": locale.prose,
    }
    return environment.get_template(name)


def headline(segments: pd.DataFrame, locale: Locale = ENGLISH) -> str:
    """Write in one sentence how many segments there are and which one matters most (revenue, else size)."""
    real = segments[segments["segment"] >= 0]
    many = "" if len(real) == 1 else "s"
    text = f"{locale.number(int(segments['size'].sum()))} customers in {len(real)} segment{many}"
    if len(real) and real["revenue_share"].notna().any():
        top = real.loc[real["revenue_share"].idxmax()]
        text += f": {_quoted(top)} {_is(top)} {locale.percent(top['share'])} of them and {_brings(top)}"
        text += f" {locale.percent(top['revenue_share'])} of the {worth.words(segments)}"
    elif len(real):
        top = real.loc[real["size"].idxmax()]
        text += f": the largest is {_quoted(top)} with {locale.percent(top['share'])} of them"
    noise = segments.loc[segments["segment"] < 0, "share"].sum()
    return text + (f"; {locale.percent(noise)} fit no segment." if noise > 0 else ".")


class Written(str):
    """A number that is already written for people: a table shows it like other numbers, aligned right."""

    __slots__ = ()


def plain(table: pd.DataFrame) -> dict:
    """Return what a template needs to show a table: columns, rows, and which columns hold text."""
    rows = table.astype(object).to_numpy().tolist()
    words = [
        bool(rows)
        and all(isinstance(row[place], str) and not isinstance(row[place], Written) for row in rows)
        for place in range(table.shape[1])
    ]
    return {"columns": [str(name) for name in table.columns], "rows": rows, "words": words}


def _quoted(segment: pd.Series) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{segment['name']}\N{RIGHT DOUBLE QUOTATION MARK}"


def _is(segment: pd.Series) -> str:
    return "is" if segment["size"] == 1 else "are"


def _brings(segment: pd.Series) -> str:
    return "brings" if segment["size"] == 1 else "bring"


def tables_page(
    title: str,
    subtitle: str,
    notes: Sequence[str],
    sections: Sequence[tuple[str, str, object]],
    lead: str = "",
    locale: Locale = ENGLISH,
) -> str:
    """Return titled tables and figures as one self-contained HTML page.

    Parameters
    ----------
    title, subtitle : str
    notes : sequence of str
        Warnings, shown on top.
    sections : sequence of (title, note, content)
        Content is a DataFrame, the bytes of a PNG, or a list of texts.
    lead : str
        What matters most, in words; already written in the locale.
    locale : Locale
        Of the numbers in tables and notes.
    """

    def section(title: str, note: str, content: object) -> dict:
        if isinstance(content, bytes):
            return {"title": title, "note": note, "figure": figure(title, note, content)}
        if isinstance(content, list):
            return {"title": title, "note": note, "texts": content}
        return {"title": title, "note": note, **plain(content)}

    shown = [{"figure": None, "columns": [], "texts": []} | section(*one) for one in sections]
    return template("report/tables.html.jinja", locale).render(
        title=title, subtitle=subtitle, notes=notes, sections=shown, lead=lead
    )


def figure(stem: str, caption: str, png: bytes) -> dict:
    """Return what a template needs to show a figure: its data URI and its size in CSS pixels.

    Parameters
    ----------
    stem : str
        Name of its file without the ending.
    caption : str
    png : bytes

    Returns
    -------
    dict
        ``stem``, ``caption``, ``uri``, ``width``, ``height``, and ``wide`` for one that takes a row of its own.

    Raises
    ------
    ValueError
        The bytes are not PNG.
    """
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError(
            f"Figure {stem!r} starts with {png[:8]!r}, expected PNG bytes: use seg.report.plots.png(figure)."
        )
    # Stating the size keeps text at its own points and the page from jumping while it loads.
    width, height = (round(pixels * 96 / _DPI) for pixels in struct.unpack(">II", png[16:24]))
    uri = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    return {
        "stem": stem,
        "caption": caption,
        "uri": uri,
        "width": width,
        "height": height,
        "wide": width > _HALF_ROW,
    }
