"""Whose certificates a server of S3's protocol is trusted by, and where its credentials belong."""

from __future__ import annotations

import os

CREDENTIALS = "credentials belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws"
UNTRUSTED = "set AWS_CA_BUNDLE to the certificate of the authority of its server (a file)"


def certificates() -> dict[str, str]:
    """Return the argument of `pyarrow.fs.S3FileSystem` that names the file of trusted certificates, where ``AWS_CA_BUNDLE`` is set."""
    bundle = os.environ.get("AWS_CA_BUNDLE")
    return {"tls_ca_file_path": bundle} if bundle else {}


def untrusted(error: Exception) -> bool:
    """Return True if a server was refused because of its certificate."""
    return "certificate" in str(error).lower()
