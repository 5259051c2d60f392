"""Secrets are found by taking addresses apart, and hidden however they are spelled."""

import io
import json
import logging
import sys
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seg.errors import SegError
from seg.sinks import machine_key, redaction


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(redaction, "_known", {})


@pytest.mark.parametrize(
    ("address", "secret"),
    [
        ("postgresql://seg:s3c'r3tQQ@127.0.0.1:9/x", "s3c'r3tQQ"),
        ('postgresql://seg:s3c"r3tQQ@127.0.0.1:9/x', 's3c"r3tQQ'),
        ("https://TOKENQQ@127.0.0.1:9/x", "TOKENQQ"),
        ("postgresql://127.0.0.1:9/x?user=seg&password=s3cr3tQQ", "s3cr3tQQ"),
        ("postgresql://127.0.0.1:9/x?user=seg&sslpassword=s3cr3tQQ", "s3cr3tQQ"),
        ("mongodb+srv://u:p@ss/w:rdQQ@h/db?authSource=admin", "p@ss/w:rdQQ"),
        ("jdbc:sqlserver://h:1433;user=x;password=QQQQ", "QQQQ"),
        ("sc://h:443/;token=abcQQ;user_id=x", "abcQQ"),
        ("https://b.s3.amazonaws.com/x.csv?X-Amz-Signature=QQ11&X-Amz-Date=2024", "QQ11"),
        ("https://u:pa?ss#wQQ@h/x", "pa?ss#wQQ"),
    ],
)
def test_the_secret_of_an_address_is_found_and_hidden(address, secret):
    parsed = redaction.parse(address)
    assert parsed.secrets == [secret]
    for text in (
        str(parsed),
        redaction.redact(f"cannot open {address}"),
        redaction.redact(f"('{address}', 1)"),
    ):
        assert secret not in text and "..." in text


@pytest.mark.parametrize(
    "address",
    ["http://db:5000/a@b", "s3://bucket/user@host/x", "http://[::1]:5000/x", "sqlite:////tmp/a b.db", "hf://datasets/a@main/x.csv",
     "postgresql:///db?host=/run&sslmode=require", "mongodb://h/db?authSource=admin&directConnection=true"],
)  # fmt: skip
def test_an_address_without_a_secret_stays_as_it_is(address):
    assert redaction.parse(address).secrets == [] and redaction.redact(address) == address


def test_a_remembered_secret_is_hidden_however_a_library_spells_it():
    secret = "pä'ss\"w\\ord <1>&"
    redaction.remember(f"postgresql://ana:{quote(secret, safe='')}@db/x")
    spelled = [secret, quote(secret), json.dumps(secret), repr(secret), "pä&#39;ss&#34;w\\ord &lt;1&gt;&amp;"]
    for text in spelled:
        assert redaction.redact(f"got {text} here").strip("'\"") in (
            "got ... here",
            "got '...' here",
            'got "..." here',
        )


@pytest.mark.parametrize(
    ("password", "sent"),
    [("pa@QQ", "pa%40QQ"), ("pa/s?QQ#", "pa%2Fs%3FQQ%23"), ("pa%QQ", "pa%25QQ"), ("pa%40QQ", "pa%40QQ"), ("p:a QQ", "p%3Aa%20QQ")],
)  # fmt: skip
def test_a_password_reaches_a_library_whole_however_it_is_written(password, sent):
    address = f"mongodb://ana:{password}@db:27017/shop?authSource=a"
    assert redaction.encoded(address) == f"mongodb://ana:{sent}@db:27017/shop?authSource=a"
    assert "QQ" not in redaction.redact(f"no host {sent}")
    assert redaction.encoded("postgresql://db/x") == "postgresql://db/x"


def test_a_short_word_is_hidden_as_a_word_only():
    redaction.remember("postgresql://ana:sales@db/x")
    assert redaction.redact("sales of salesman, sales@") == "... of salesman, ...@"


def test_assignments_in_running_text_are_hidden():
    text = "host=db password='a b' user=x, sslpassword=QQ; seed=4, job.key=abc"
    assert redaction.redact(text) == "host=db password='...' user=x, sslpassword=...; seed=4, job.key=abc"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("401 for Authorization: Bearer abcQQ, sent", "401 for Authorization: Bearer ..., sent"),
        ("{'authorization': 'Basic YTpiQQ=='}", "{'authorization': 'Basic ...'}"),
        ('"Proxy-Authorization": "QQQQ"', '"Proxy-Authorization": "..."'),
        ("the header was bearer eyJhbGci.QQ-1_2", "the header was bearer ..."),
        ("ran psql --password QQQQ --host db", "ran psql --password ... --host db"),
        ("mc --secret-key 'QQ QQ' ls", "mc --secret-key '...' ls"),
        ("login failed (user: ana, password: QQQQ)", "login failed (user: ana, password: ...)"),
        ("password:QQQQ\ndatabase: x", "password:...\ndatabase: x"),
        ("{'password': 'QQ QQ', 'port': 5}", "{'password': '...', 'port': 5}"),
        ('{"api_token": "QQQQ"}', '{"api_token": "..."}'),
        ("sslpassword : QQQQ rejected", "sslpassword : ... rejected"),
    ],
)
def test_headers_options_and_colons_in_running_text_are_hidden(text, shown):
    assert redaction.redact(text) == shown
    assert redaction.redact(shown) == shown, "twice is as once"
    (secret,) = redaction.secrets_in(text)
    assert "Q" in secret or secret.startswith("eyJ")


@pytest.mark.parametrize(
    "text",
    [
        "wrong password: check PGPASSWORD", "sink.password: is not set", "password authentication failed for user ana",
        "use --password or the variable PGPASSWORD", "authorization: failed", "bearer authentication is needed", "token::of", "password: ${oc.env:X}",
        "password:\n  nested: 1", "secret: null", "key: value", "the keyword: monkey",
    ],
)  # fmt: skip
def test_words_about_secrets_stay(text):
    assert redaction.redact(text) == text and redaction.secrets_in(text) == []


def test_variables_of_the_environment_with_secret_names_are_remembered():
    environment = {
        "PGPASSWORD": "geheim-1111",
        "HOME": "/root",
        "MY_URI": "http://u:geheim-2222@h",
        "API_TOKEN": "short",
    }
    redaction.remember_environment(environment)
    assert redaction.redact("geheim-1111 geheim-2222 /root short") == "... ... /root short"


def test_values_within_values_are_redacted():
    value = {"a": ["http://u:geheim@h", 1], "b": None}
    assert redaction.redacted(value) == {"a": ["http://...@h", 1], "b": None}


def test_logs_and_tracebacks_lose_their_secrets(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    factory = logging.getLogRecordFactory()
    try:
        redaction.install()
        redaction.install()
        handler = logging.StreamHandler(io.StringIO())
        log = logging.getLogger("test_redaction")
        log.addHandler(handler)
        try:
            raise ValueError("no http://u:geheimQQ@h")
        except ValueError:
            log.exception("cannot open %s", "http://u:geheimQQ@h")
        print("error: http://u:geheimQQ@h", file=sys.stderr)
        assert (
            handler.stream.getvalue().count("http://...@h") == 3 and "geheim" not in handler.stream.getvalue()
        )
        assert stream.getvalue() == "error: http://...@h\n"
    finally:
        logging.setLogRecordFactory(factory)


@given(
    st.text(st.characters(codec="ascii", exclude_characters="\n\r"), min_size=4, max_size=30),
    st.sampled_from("'\" "),
)
def test_no_password_survives_in_an_address(secret, mark):
    redaction._known.clear()
    if (
        redaction.HIDDEN in secret
        or secret.strip(".") == ""
        or secret in "postgresql://ana:@db.example:5432/x cannot open"
    ):
        return
    address = f"postgresql://ana:{quote(secret, safe='')}@db.example:5432/x"
    redaction.remember(address)
    shown = redaction.redact(f"cannot open {mark}{address}{mark}")
    assert quote(secret, safe="") not in shown.replace("cannot open", "").replace("db.example:5432/x", "")


# ---- the key of the machine ------------------------------------------------------------------------------------------


def test_a_key_is_made_once_readable_by_its_owner_only_and_differs_by_purpose(tmp_path, monkeypatch):
    monkeypatch.setenv("SEG_KEY_FILE", str(tmp_path / "deep" / "key"))
    assert machine_key.machine_key("a") == machine_key.machine_key("a") != machine_key.machine_key("b")
    path = tmp_path / "deep" / "key"
    assert path.stat().st_mode & 0o777 == 0o600 and [one.name for one in path.parent.iterdir()] == ["key"]
    path.chmod(0o644)
    with pytest.raises(SegError, match="other users may read the key"):
        machine_key.machine_key("a")
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(SegError, match="expected a key of 32 bytes, found 5"):
        machine_key.machine_key("a")
