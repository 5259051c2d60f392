"""Names of months and days in other languages than English, for date formats with ``%b``, ``%B``, ``%a`` or ``%A``.

A text that the format does not read in English is read again with its month in English and without its day of the week.
The names of Czech, Dutch, English, Finnish, French, German, Greek, Hungarian, Indonesian, Italian, Polish, Portuguese, Romanian, Russian,
Scandinavian, Spanish and Turkish months contradict each other nowhere, so the language is not asked for. An ending behind the day,
as in 8th or 1er, is removed.
"""

# ruff: noqa: RUF001 - letters of other alphabets

from __future__ import annotations

import functools
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
# Czech, Finnish, Greek, Hungarian, Indonesian, Romanian and Russian, in lower case; `_cased` adds the other cases.
FURTHER = {
    "January": "leden ledna tammikuu tammikuuta ιανουάριος ιανουαρίου ιαν január ianuarie ian январь января янв",
    "February": "únor února helmikuu helmikuuta φεβρουάριος φεβρουαρίου φεβ február februarie февраль февраля фев февр",
    "March": "březen března maaliskuu maaliskuuta μάρτιος μαρτίου μαρ március márc martie март марта мар maret",
    "April": "duben dubna huhtikuu huhtikuuta απρίλιος απριλίου απρ április ápr aprilie апрель апреля апр",
    "May": "květen května toukokuu toukokuuta μάιος μαΐου μαϊ μαι május máj май мая",
    "June": "červen června kesäkuu kesäkuuta ιούνιος ιουνίου ιουν június jún iunie iun июнь июня июн",
    "July": "červenec července heinäkuu heinäkuuta ιούλιος ιουλίου ιουλ július júl iulie iul июль июля июл",
    "August": "srpen srpna elokuu elokuuta αύγουστος αυγούστου αυγ augusztus август августа авг agustus agu",
    "September": "září syyskuu syyskuuta σεπτέμβριος σεπτεμβρίου σεπ szeptember szept septembrie сентябрь сентября сен сент",
    "October": "říjen října lokakuu lokakuuta οκτώβριος οκτωβρίου οκτ október octombrie октябрь октября окт",
    "November": "listopadu marraskuu marraskuuta νοέμβριος νοεμβρίου νοε noiembrie ноябрь ноября ноя нояб",
    "December": "prosinec prosince joulukuu joulukuuta δεκέμβριος δεκεμβρίου δεκ decembrie декабрь декабря дек desember",
}
ORDINAL = (
    r"([0-9])(?:st|nd|rd|th|er|ST|ND|RD|TH|ER|º|ª)($|[^\p{L}])",
    r"\1\2",
)  # the ending behind a day, and what stays
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


def plain_day(text: str) -> str:
    """Return a text without the ending behind a day.

    >>> plain_day("June 8th, 2023")
    'June 8, 2023'
    """
    return re.sub(ORDINAL[0].replace(OTHER, r"[\W\d_]"), ORDINAL[1], text)


def english_text(text: str, format: str) -> str:
    """Rewrite one text as `english` does, without an engine.

    >>> english_text("mardi 5 août 2024", "%A %d %B %Y")
    ' 5 August 2024'
    """
    for pattern, replacement in _rewriting(format):
        text = re.sub(pattern.replace(OTHER, r"[\W\d_]"), replacement, text)
    return text


def _cased(names: str) -> str:
    """Return a pattern of names in all cases: engines fold the letters of other alphabets differently."""
    return "|".join(form for name in names.split() for form in (name, name.capitalize(), name.upper()))


@functools.cache
def _rewriting(format: str) -> list[tuple[str, str]]:
    rules = [(rf"^(?i:{DAYS})[.]?($|{OTHER})", r"\1")] if re.match("%[aA]", format) else []
    # "oct. 2024" is read by "%b %Y", while the point of "%d.%b.%Y" stays.
    point = "" if re.search("%[bB][.]", format) else "[.]?"
    for month, names in MONTHS.items():
        shown = month if "%B" in format else month[:3]
        rules.append(
            (rf"(^|{OTHER})(?i:{names}|{_cased(FURTHER[month])}){point}($|{OTHER})", rf"\1{shown}\2")
        )
    return rules
