"""Keep secrets out of every text that leaves the process.

Secrets are found by parsing: an address is taken apart, and its password, its token and the values of its secret parameters
are remembered. From then on they are replaced by ``...`` in logs, on the terminal and in files, however a library spells them
(percent-encoded, quoted for Python, JSON, HTML or YAML). An address that was never remembered is taken apart where it appears.
"""

from __future__ import annotations

import functools
import html
import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

HIDDEN = "..."
SHORTEST = 4  # characters; a shorter secret is hidden inside addresses only, or ordinary words would go too
# A word that consists of letters only is replaced as a whole word up to this length: "postgres" is not "postgresql".
WORD = 12
PARTS = ("password", "passwd", "pwd", "passphrase", "secret", "token", "signature", "credential", "apikey")
WORDS = frozenset({"key", "sig", "auth", "pass", "jwt", "sslkey", "sas"})
KEYS_JOINED = ("accesskey", "secretkey", "idkey", "apikey", "privatekey", "encryptionkey", "accountkey")
HARMLESS = {"authsource", "authmechanism", "tokenize", "tokenizer", "sslkeylogfile", "passfile"}
WEB = ("http", "https", "git", "hf")  # a name without a password is a token here
SCHEME = re.compile(r"(?:jdbc:)?[A-Za-z][A-Za-z0-9+.-]*://")
SCHEME_END = re.compile(r"(?:jdbc:)?[A-Za-z][A-Za-z0-9+.-]*$")
BLANK, STOP = re.compile(r"\s"), re.compile(r"[\s&;,)\]}]")
NAME = re.compile(r"[\w.-]*$")
STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")  # a percent sign that encodes nothing
# password=X, password: X, 'password': 'X', and --password X; a colon of an address or of C++ is none.
REST_OF_NAME = re.compile(r"""([\w.-]{0,32})(?:\s?=\s?|['"]?[ \t]*(:)(?![:/])[ \t]*|([ \t]+)(?=[^\s-]))""")
HEADER = re.compile(
    r"""authorization['"]?[ \t]*[:=][ \t]*['"]?((?:bearer|basic|token|digest|negotiate|apikey)[ \t]+)?([^\s'",;]+)""",
    re.IGNORECASE,
)
BEARER = re.compile(
    r"\bbearer[ \t]+((?=[\w.~+/-]*\d)[\w.~+/-]{8,}=*)", re.IGNORECASE
)  # elsewhere: only what holds a digit
# How a message goes on after "password:" or "--password", where no password follows.
PROSE = frozenset([
    "a", "an", "and", "are", "as", "at", "authentication", "be", "but", "by", "cannot", "check", "choose", "command", "does",
    "empty", "environment", "expected", "failed", "file", "for", "from", "has", "have", "if", "in", "incorrect", "instead",
    "invalid", "is", "it", "leave", "missing", "must", "needs", "no", "none", "not", "of", "on", "only", "option", "or",
    "pass", "read", "required", "see", "set", "that", "the", "there", "these", "this", "to", "too", "unknown", "use",
    "variable", "was", "which", "with", "without", "wrong", "you", "your",
])  # fmt: skip
REACH = 64  # characters of a name: a search without a limit takes minutes in a page with pictures
_known: dict[str, re.Pattern] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Address:
    """An address taken apart; ``str(address)`` is the address with its secrets hidden.

    Parameters
    ----------
    scheme : str
        Such as ``postgresql``.
    user, password : str or None
        As written, still percent-encoded; None where there is none.
    rest : str
        Host, port and path.
    parameters : tuple of (str, str, str)
        Separator, name and value of each parameter, in order; the name is empty where the value stands alone.
    """

    scheme: str
    user: str | None
    password: str | None
    rest: str
    parameters: tuple[tuple[str, str, str], ...] = ()

    @property
    def secrets(self) -> list[str]:
        """Secret parts, as written."""
        texts = [value for _, name, value in self.parameters if is_secret_name(name)]
        if self.password:
            texts.append(self.password)
        if self.user and self._user_is_token:
            texts.append(self.user)
        return [text for text in texts if text and not text.startswith("${")]

    @property
    def _user_is_token(self) -> bool:
        return self.scheme.rpartition("+")[2] in WEB and self.password in (None, "", "x-oauth-basic")

    def __str__(self) -> str:
        login = "" if self.user is None else f"{HIDDEN}@"
        shown = [
            f"{mark}{name}{'=' if name else ''}{HIDDEN if is_secret_name(name) else value}"
            for mark, name, value in self.parameters
        ]
        return f"{self.scheme}://{login}{self.rest}{''.join(shown)}"


def parse(address: str) -> Address | None:
    """Take an address apart; None where the text is no address.

    A password may hold any character: people rarely percent-encode it.

    >>> parse("postgresql://ana:it's/a@b@db:5432/x?sslpassword=geheim").secrets
    ['geheim', "it's/a@b"]
    >>> str(parse("https://TOKEN@host/path?page=2"))
    'https://...@host/path?page=2'
    """
    start = SCHEME.match(address)
    if start is None:
        return None
    scheme, rest = start[0].removesuffix("://").lower(), address[start.end() :]
    login, rest = _login(rest)
    user, colon, password = login.partition(":") if login is not None else (None, "", None)
    place = min((at for at in (rest.find("?"), rest.find(";")) if at >= 0), default=len(rest))
    parameters = tuple(_parameters(rest[place:]))
    return Address(scheme, user, password if colon else None, rest[:place], parameters)


def encoded(address: str) -> str:
    """Return an address whose user and password are percent-encoded as libraries expect them; what is encoded already stays.

    A library that reads ``p@ss`` as ``p`` at the host ``ss`` prints half of the password as the name of a host.

    >>> encoded("postgresql://ana:it's/a@b@db:5432/x?sslmode=require")
    'postgresql://ana:it%27s%2Fa%40b@db:5432/x?sslmode=require'
    """
    start = SCHEME.match(address)
    login, rest = _login(address[start.end() :]) if start else (None, "")
    if login is None:
        return address
    parts = [quote(one, safe="" if STRAY.search(one) else "%") for one in login.split(":", 1)]
    return remember(f"{start[0]}{':'.join(parts)}@{rest}")


def _login(rest: str) -> tuple[str | None, str]:
    """Split name and password from what follows them."""
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    authority = rest[:end]
    port = authority.rpartition(":")[2]
    # Without an @, something that is no port after the colon begins a password that holds a slash.
    broken = ":" in authority and "@" not in authority and not port.isdigit() and "]" not in authority
    if "@" not in authority and not (broken and "@" in rest):
        return None, rest
    # Beyond a name with a password, the last @ counts: the password may hold one, or a slash.
    login_part = rest if ":" in authority.partition("@")[0] else authority
    query = login_part.find("?", end) if "@" in authority else -1
    place = login_part.rfind("@", 0, query if query >= 0 else len(login_part))
    return rest[:place], rest[place + 1 :]


def _parameters(text: str) -> Iterator[tuple[str, str, str]]:
    for piece in re.findall(r"[?&;][^&;]*", text):
        name, equals, value = piece[1:].partition("=")
        yield (piece[0], name, value) if equals else (piece[0], "", name)


def is_secret_name(name: str, words: frozenset[str] = WORDS) -> bool:
    """Return True if a parameter, property or variable of this name holds a secret.

    `words` are names that are secret as a whole, beside the words that make any name secret.

    >>> [is_secret_name(name) for name in ("sslpassword", "X-Amz-Signature", "tracking.id_key", "sslmode", "authSource")]
    [True, True, True, False, False]
    """
    plain = re.sub(r"[\W_]", "", name).lower()
    if plain in HARMLESS:
        return False
    return plain.endswith(KEYS_JOINED) or any(part in plain for part in PARTS) or plain in words


def secrets_in(text: str) -> list[str]:
    """List the secrets of the addresses, the assignments (``password=...``) and the headers in a text."""
    secrets = [secret for _, _, address in _addresses(text) for secret in address.secrets]
    secrets += [value for pieces in (_assignments, _headers) for _, _, value in pieces(text)]
    return list(dict.fromkeys(secrets))


def remember(text: str | None) -> str | None:
    """Remember the secrets of an address; return the text."""
    for secret in secrets_in(text) if text else ():
        remember_secret(secret)
    return text


def remember_secret(secret: str) -> None:
    """Hide a text from now on, however it is spelled."""
    for plain in {secret, unquote(secret)}:
        if len(plain) >= SHORTEST and plain != HIDDEN:
            with _lock:
                _known.update({one: _pattern(one) for one in _spellings(plain) if one not in _known})


def remember_environment(environment: Mapping[str, str] | None = None) -> None:
    """Remember the secrets of environment variables: those in addresses, and values of ``*_PASSWORD``, ``*_TOKEN`` and the like."""
    for name, value in (os.environ if environment is None else environment).items():
        remember(value)
        if len(value) >= 8 and is_secret_name(name) and not os.path.exists(value) and "://" not in value:
            remember_secret(value)


def _spellings(secret: str) -> set[str]:
    escaped = {html.escape(secret), html.escape(secret, quote=False)}
    escaped |= {html.escape(secret).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")}
    encoded = {quote(secret), quote(secret, safe=""), quote(secret, safe="!$'()*,~")}
    quoted = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    quoted |= {secret.replace("'", "''"), secret.replace("'", "\\'"), secret.replace('"', '\\"')}
    return {secret, *escaped, *encoded, *quoted}


def _pattern(spelling: str) -> re.Pattern:
    edges = ("(?<!\\w)", "(?!\\w)") if len(spelling) < WORD and re.fullmatch(r"\w+", spelling) else ("", "")
    return re.compile(edges[0] + re.escape(spelling) + edges[1])


# ---- texts -----------------------------------------------------------------------------------------------------------


def redact_known(text: str) -> str:
    """Return a text without the secrets that were remembered; what else it holds, such as data, stays as it is."""
    for spelling in sorted(_known, key=len, reverse=True):
        if spelling in text:
            text = _known[spelling].sub(HIDDEN, text)
    return text


def redact(text: str) -> str:
    """Return a text without its secrets: those remembered, and those of any address or assignment in it.

    >>> redact("cannot open postgresql://ana:s3c'r3t@db/mlflow and http://db:5000")
    'cannot open postgresql://...@db/mlflow and http://db:5000'
    """
    text = redact_known(text)
    if "://" in text:
        for start, end, address in reversed(list(_addresses(text))):
            text = text[:start] + str(address) + text[end:]
    for pieces in (_headers, _assignments):
        for start, end, _ in reversed(list(pieces(text))):
            text = text[:start] + HIDDEN + text[end:]
    return text


def redacted(value: object) -> object:
    """Return a value of lists, mappings and texts with every text redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redacted(key): redacted(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(one) for one in value]
    return value


def _addresses(text: str) -> Iterator[tuple[int, int, Address]]:
    """Find addresses in a text: from a scheme to the next blank or the next scheme."""
    starts = list(_schemes(text))
    for at, (start, after) in enumerate(starts):
        limit = starts[at + 1][0] if at + 1 < len(starts) else len(text)
        blank = BLANK.search(text, after, limit)
        end = blank.start() if blank else limit
        # A password may hold a blank: the address then goes on to its @.
        if blank and _is_login(text[after:end]) and 0 <= text.find("@", end, limit) < end + REACH:
            far = BLANK.search(text, text.index("@", end), limit)
            end = far.start() if far else limit
        address = parse(text[start:end])
        if address is not None and str(address) != text[start:end]:
            yield start, end, address


def _schemes(text: str) -> Iterator[tuple[int, int]]:
    """Find where addresses begin, and where their schemes end."""
    after = 0
    while (colon := text.find("://", after)) >= 0:
        after = colon + 3
        scheme = SCHEME_END.search(text[max(0, colon - REACH) : colon])
        if scheme:
            yield colon - len(scheme[0]), after


def _is_login(piece: str) -> bool:
    """Return True if what follows a scheme begins like a name and a password without the host."""
    return re.fullmatch(r"[^/?#@:\s]+:[^/?#@]*", piece) is not None and not piece.rpartition(":")[2].isdigit()


def _secret_words(text: str) -> list[int]:
    """Find where words that may begin a secret name begin (a plain search: texts may be pages of several megabytes)."""
    lower, places = text.lower(), set()
    for word in (*PARTS, "key"):
        at = -1
        while (at := lower.find(word, at + 1)) >= 0:
            places.add(at)
    return sorted(places)


def _assignments(text: str) -> Iterator[tuple[int, int, str]]:
    """Find the values of ``password=...``, ``password: ...``, ``--password ...`` and the like, quoted or not."""
    after = 0
    for place in _secret_words(text):
        match = REST_OF_NAME.match(text, place)
        if match is None or place < after:
            continue
        name = NAME.search(text[max(0, place - REACH) : place])[0] + match[1]
        if not is_secret_name(name, words=frozenset({"sslkey"})) or (match[3] and not name.startswith("--")):
            continue
        start, end = _value(text, match.end())
        value = text[start:end]
        prose = (match[2] or match[3]) and value.lower().strip(".'\"") in PROSE
        if value in ("", HIDDEN, "null", "None", "true", "false") or prose or value.startswith(("${", "<")):
            continue
        yield start, end, value
        after = end


def _value(text: str, start: int) -> tuple[int, int]:
    """Return where a value begins and ends, without its quotes."""
    mark = text[start : start + 1]
    if mark in ("'", '"') and mark in text[start + 1 :]:
        return start + 1, text.index(mark, start + 1)
    stop = STOP.search(text, start)
    return start, stop.start() if stop else len(text)


def _headers(text: str) -> Iterator[tuple[int, int, str]]:
    """Find what follows ``Authorization: Bearer``, with any scheme or none, and tokens behind ``Bearer`` alone."""
    if (
        "uthorization" not in text
        and "UTHORIZATION" not in text
        and "earer" not in text
        and "EARER" not in text
    ):
        return
    places = {match.span(2) for match in HEADER.finditer(text) if match[1] or match[2].lower() not in PROSE}
    places |= {match.span(1) for match in BEARER.finditer(text)}
    yield from ((start, end, text[start:end]) for start, end in sorted(places) if text[start:end] != HIDDEN)


# ---- where text leaves the process -----------------------------------------------------------------------------------


class RedactedStream:
    """A text stream that redacts what is written to it.

    Parameters
    ----------
    stream : text stream
        Such as ``sys.stderr``.
    """

    def __init__(self, stream):
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text without its secrets."""
        self.stream.write(redact(text))
        return len(text)

    def writelines(self, lines) -> None:
        """Write lines without their secrets."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str):
        return getattr(self.stream, name)

    def __iter__(self):
        return iter(self.stream)


def install() -> None:
    """Redact what this process logs and prints from now on; may be called again."""
    remember_environment()
    if not isinstance(logging.getLogRecordFactory(), functools.partial):
        logging.setLogRecordFactory(functools.partial(_record, logging.getLogRecordFactory()))
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, RedactedStream):
            setattr(sys, name, RedactedStream(stream))


def _record(factory, *arguments, **further) -> logging.LogRecord:
    record = factory(*arguments, **further)
    try:
        message = record.getMessage()
    except Exception:  # logging itself reports a message that does not fit its arguments
        return record
    shown = redact(message)
    if shown != message:
        record.msg, record.args = shown, ()
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = redact("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
    return record
