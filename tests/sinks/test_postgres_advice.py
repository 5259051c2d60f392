"""What to do where PostgreSQL refuses: one list for the sink and the source."""

from __future__ import annotations

import pytest

from seg.sinks import postgres
from seg.sources.remote import sql_rows


class Answered(Exception):
    sqlstate = "57014"


@pytest.mark.parametrize(
    ("error", "of_sink", "of_source"),
    [
        (
            Exception("password authentication failed"),
            "check the user and the password",
            "check the user and the password",
        ),
        (Exception('root certificate file "x" does not exist'), "set sslrootcert", "set sslrootcert"),
        (Exception("permission denied for schema crm"), "create and write tables", "right to read it"),
        (Exception("cannot execute INSERT in a read-only transaction"), "takes no changes", "may only read"),
        (Exception('database "x" does not exist'), "create it", "name of the database"),
        (Exception("connection timeout expired"), "server is up", "server is up"),
        (Answered("canceling statement due to statement timeout"), "statement_timeout", "statement_timeout"),
        (Answered("division by zero"), "server is up", "correct dataset.query"),
    ],
)
def test_each_error_has_its_advice(error, of_sink, of_source):
    assert of_sink in postgres._advice(error)
    assert of_source in sql_rows._advice(error)
