"""Names of months and days in other languages than English, for date formats with ``%b``, ``%B``, ``%a`` or ``%A``.

A text that the format does not read in English is read again with its month in English and without its day of the week.
The names of Dutch, English, French, German, Italian, Polish, Portuguese, Scandinavian, Spanish and Turkish months
contradict each other nowhere, so the language is not asked for.
"""

# ruff: noqa: RUF001 - the dotless i is a Turkish letter

from __future__ import annotations

import re

from ibis.expr import types as ir

# One pattern a month. Letters beyond ASCII stand in both cases: RE2, Java and Python fold the others alike.
MONTHS = {
    "January": "jan|janv|januar|januari|january|janvier|janeiro|j[äÄ]nner|ene|enero|gen|gennaio|oca|ocak|sty|stycze[nńŃ]|stycznia",
    "February": "feb|febr|februar|februari|february|febrero|febbraio|f[éÉe]v|f[éÉe]vr|f[éÉe]vrier|fevereiro|[şŞs]ub|[şŞs]ubat|lut|luty|lutego",
    "March": "mar|march|m[äÄ]r|m[äÄ]rz|maerz|mrz|mars|mart|marzo|mar[çÇc]o|maart|mrt|marts|marzec|marca",
    "April": "apr|april|aprile|avr|avril|abr|abril|nis|nisan|kwi|kwiecie[nńŃ]|kwietnia",
    "May": "may|mai|mayo|maio|may[ıIi]s|mag|maggio|mei|maj|maja",
    "June": "jun|june|juni|juin|junio|junho|giu|giugno|haz|haziran|cze|czerwiec|czerwca",
    "July": "jul|july|juli|juil|juillet|julio|julho|lug|luglio|tem|temmuz|lip|lipiec|lipca",
    "August": "aug|august|augustus|augusti|ao[ûÛu]|ao[ûÛu]t|ago|agosto|a[ğĞg]u|a[ğĞg]ustos|sie|sierpie[nńŃ]|sierpnia",
    "September": "sep|sept|september|septembre|septiembre|setiembre|set|setembro|settembre|eyl|eyl[üÜu]l|wrz|wrzesie[nńŃ]|wrze[sśŚ]nia",
    "October": "oct|okt|october|oktober|octobre|octubre|out|outubro|ott|ottobre|eki|ekim|pa[zźŹ]|pa[zźŹ]dziernik|pa[zźŹ]dziernika",
    "November": "nov|november|novembre|noviembre|novembro|kas|kas[ıIi]m|lis|listopad|listopada",
    "December": "dec|december|dez|dezember|des|desember|d[éÉe]c|d[éÉe]cembre|dezembro|dic|diciembre|dicembre|ara|aral[ıIi]k|gru|grudzie[nńŃ]|grudnia",
}  # fmt: skip
DAYS = (
    "montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag|mo|di|mi|do|fr|sa|so|"
    "lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lun|mar|mer|jeu|ven|sam|dim|"
    "lunes|martes|mi[eéÉ]rcoles|jueves|viernes|s[aáÁ]bado|domingo|mi[eéÉ]|jue|vie|s[aáÁ]b|dom|"
    "segunda|ter[cçÇ]a|quarta|quinta|sexta|segunda-feira|ter[cçÇ]a-feira|quarta-feira|quinta-feira|sexta-feira|"
    "seg|ter|qua|qui|sex|"
    "luned[iìÌ]|marted[iìÌ]|mercoled[iìÌ]|gioved[iìÌ]|venerd[iìÌ]|sabato|domenica|gio|sab|"
    "pazartesi|sal[ıIi]|[cçÇ]ar[sşŞ]amba|per[sşŞ]embe|cuma|cumartesi|pazar|pzt|sal|[cçÇ]ar|per|cum|cmt|paz|"
    "maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag|ma|wo|vr|za|zo"
)
OTHER = r"[^\p{L}]"  # no letter, as RE2 and Java spell it


def named(format: str | None) -> bool:
    """Return True if a date format has names of months or days."""
    return bool(format and re.search("%[aAbB]", format))


def undated(format: str) -> str:
    """Return a format without the day of the week that it begins with."""
    return re.sub("^%[aA]", "", format)


def english(text: ir.StringValue, format: str) -> ir.StringValue:
    """Rewrite the names in a date: the month in English, the day of the week in front removed.

    Parameters
    ----------
    text : ir.StringValue
    format : str
        As the user declared it; `undated` reads what is returned.
    """
    for pattern, replacement in _rewriting(format):
        text = text.re_replace(pattern, replacement)
    return text


def english_text(text: str, format: str) -> str:
    """Rewrite one text as `english` does, without an engine.

    >>> english_text("mardi 5 août 2024", "%A %d %B %Y")
    ' 5 August 2024'
    """
    for pattern, replacement in _rewriting(format):
        text = re.sub(pattern.replace(OTHER, r"[\W\d_]"), replacement, text)
    return text


def _rewriting(format: str) -> list[tuple[str, str]]:
    rules = [(rf"^(?i:{DAYS})[.]?($|{OTHER})", r"\1")] if re.match("%[aA]", format) else []
    # "oct. 2024" is read by "%b %Y", while the point of "%d.%b.%Y" stays.
    point = "" if re.search("%[bB][.]", format) else "[.]?"
    for month, names in MONTHS.items():
        shown = month if "%B" in format else month[:3]
        rules.append((rf"(^|{OTHER})(?i:{names}){point}($|{OTHER})", rf"\1{shown}\2"))
    return rules
