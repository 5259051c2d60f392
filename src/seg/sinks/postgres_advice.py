"""What to do where PostgreSQL refuses, the same for what is written to it and what is read from it."""

from __future__ import annotations

from collections.abc import Mapping


def advice(error: Exception, permission: str, further: Mapping[str, str], otherwise: str) -> str:
    """Return what to do about an error of PostgreSQL.

    Parameters
    ----------
    error : Exception
        Its message is looked at.
    permission : str
        What to do where rights are missing.
    further : mapping of str to str
        What to do where the message has these words, in order.
    otherwise : str
        What to do in any other case.

    Returns
    -------
    str
    """
    text = str(error).lower()
    words = {
        "password": LOGIN,
        "authentication": LOGIN,
        "permission denied": permission,
        "server does not support ssl": "switch TLS on in the server, or set sslmode=prefer where the network may be trusted",
        "certificate": CERTIFICATE,
        "ssl": CERTIFICATE,
        **further,
    }
    return next((what for word, what in words.items() if word in text), otherwise)


LOGIN = "check the user and the password (PGPASSWORD, ~/.pgpass, or the address from the environment)"
CERTIFICATE = "set sslrootcert in the address to the certificate of its authority, and check sslmode"
