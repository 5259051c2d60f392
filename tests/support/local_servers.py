"""Servers that tests start for real on loopback, each stopped by its own process id."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PASSWORD = "geheim-4711"
ACCESS, SECRET = "SEGTESTACCESS", "geheim-s3-4711"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def free_ports(count: int) -> list[int]:
    """Ports whose gRPC neighbours (plus 10,000) are free, as SeaweedFS wants them."""
    found = []
    for port in range(20_000 + os.getpid() % 5_000, 55_000, 7):
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no free ports")


def binary(name: str) -> str | None:
    places = [
        shutil.which(name),
        str(Path(sys.executable).parent / name),
        *sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))),
    ]
    return next((place for place in places if place and Path(place).exists()), None)


@contextlib.contextmanager
def started(line, ready, stop=signal.SIGINT, **options) -> Iterator[subprocess.Popen]:
    """Start a server, wait until it is ready, stop it and what it started by its own id."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log, start_new_session=True, **options)
        try:
            until = time.monotonic() + 120
            while not ready():
                log.seek(0)
                assert process.poll() is None and time.monotonic() < until, log.read()[-3000:]
                time.sleep(0.2)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, stop)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """Give the address of an empty database of PostgreSQL, password and all."""
    import psycopg

    missing = [name for name in ("initdb", "postgres") if binary(name) is None]
    if missing:
        pytest.skip(f"PostgreSQL is not installed ({', '.join(missing)} not found)")
    # PostgreSQL refuses to run as root.
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="seg-pg-") as folder:
        password = Path(folder) / "password"
        password.write_text(PASSWORD)
        if user:
            for path in (folder, password):
                shutil.chown(path, "nobody", "nogroup")
        data, port = f"{folder}/data", free_port()
        subprocess.run(
            [binary("initdb"), "-D", data, "-U", "ana", "-A", "scram-sha-256", f"--pwfile={password}", "-N", "-E", "UTF8"],
            check=True, capture_output=True, **user,
        )  # fmt: skip
        address = f"postgresql://ana:{PASSWORD}@127.0.0.1:{port}/postgres"

        def ready() -> bool:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(address, connect_timeout=2):
                return True
            return False

        line = [binary("postgres"), "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-F"]
        with started(line, ready, **user):
            yield address


def new_database(address: str, name: str) -> str:
    """Make an empty database in a server of PostgreSQL; its address."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return address.rpartition("/")[0] + f"/{name}"


def certificate(folder: Path) -> Path:
    """Make a certificate for loopback that nobody vouches for, with its key in one file."""
    if binary("openssl") is None:
        pytest.skip("openssl is not installed")
    path, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [binary("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-keyout", key,
         "-out", path, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + key.read_text())
    return path


@contextlib.contextmanager
def answering_tls(certificate: Path) -> Iterator[str]:
    """Give the address of a server that has nothing to say, with TLS."""

    class Nothing(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_error(404)

        def log_message(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextlib.contextmanager
def mongo_server() -> Iterator[str]:
    """Give the address of an empty server of MongoDB's protocol (SecantusDB)."""
    pymongo = pytest.importorskip("pymongo")
    if binary("secantusd-py") is None:
        pytest.skip("SecantusDB is not installed")
    port = free_port()
    address = f"mongodb://127.0.0.1:{port}/?directConnection=true"

    def ready() -> bool:
        with contextlib.suppress(pymongo.errors.PyMongoError):
            pymongo.MongoClient(address, serverSelectionTimeoutMS=500).server_info()
            return True
        return False

    with tempfile.TemporaryDirectory(prefix="seg-mongo-") as folder:
        line = [binary("secantusd-py"), "--host", "127.0.0.1", "--port", str(port), "--storage-path", folder]
        with started(line, ready):
            yield address


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """Give the endpoint of an S3 server (SeaweedFS) with one bucket, ``brand``; credentials are `ACCESS` and `SECRET`."""
    from pyarrow import fs

    if binary("weed") is None:
        pytest.skip("SeaweedFS is not installed")
    s3, master, volume, filer = free_ports(4)
    with tempfile.TemporaryDirectory(prefix="seg-s3-") as folder:
        config = Path(folder) / "s3.json"
        credentials = [{"accessKey": ACCESS, "secretKey": SECRET}]
        actions = ["Admin", "Read", "Write", "List"]
        config.write_text(
            json.dumps({"identities": [{"name": "seg", "credentials": credentials, "actions": actions}]})
        )
        line = [
            binary("weed"), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3",
            f"-s3.port={s3}", f"-s3.config={config}", "-volume.max=20", "-s3.port.iceberg=0", "-s3.port.lance=0",
            f"-master.port={master}",
            f"-volume.port={volume}", f"-filer.port={filer}",
        ]  # fmt: skip
        endpoint = f"http://127.0.0.1:{s3}"

        def ready() -> bool:
            files = fs.S3FileSystem(
                access_key=ACCESS, secret_key=SECRET, endpoint_override=endpoint, allow_bucket_creation=True,
                connect_timeout=2, request_timeout=5,
            )  # fmt: skip
            try:
                files.create_dir("brand")
                with files.open_output_stream("brand/.ready") as stream:
                    stream.write(b"")
                files.delete_file("brand/.ready")
                return True
            except OSError:
                return False

        with started(line, ready, stop=signal.SIGKILL):  # it takes half a minute to say goodbye
            yield endpoint
