"""Objects of S3, or of anything that speaks its protocol: copied as they are, and read like files of this machine."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
from pathlib import Path

import pyarrow as pa
from pyarrow import fs

from seg.errors import SegError, listed
from seg.sinks.redaction import redact
from seg.sinks.s3_trust import UNTRUSTED, certificates, untrusted
from seg.sources.remote.request import Request

PIECE = 1 << 23  # bytes read at a time
PATTERN = re.compile(r"[*?\[]")
ADVICE = (
    "check the bucket, the rights, the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ~/.aws or the role of the machine), and "
    "AWS_ENDPOINT_URL for a server that is not Amazon's"
)


def read(request: Request, folder: Path) -> dict[Path, str]:
    """Copy an object, all objects of a folder, or those that a pattern names; return the files with their ETags."""
    request.no_query("set dataset.path to s3://bucket/folder/*.csv")
    place = request.path.removeprefix("s3://").strip("/")
    try:
        files = connect()
        base, names = _objects(files, request, place)
        return {
            folder / name.removeprefix(f"{base}/"): _copied(
                files, name, folder / name.removeprefix(f"{base}/")
            )
            for name in names
        }
    except (OSError, pa.ArrowException) as error:
        raise request.failed(error, UNTRUSTED if untrusted(error) else ADVICE) from None


def connect() -> fs.S3FileSystem:
    """Connect to S3, or to the server that ``AWS_ENDPOINT_URL`` names; credentials come from the environment or ~/.aws."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    further = {"endpoint_override": endpoint} if endpoint else {}
    return fs.S3FileSystem(connect_timeout=10, request_timeout=60, **further, **certificates())


def _objects(files: fs.S3FileSystem, request: Request, place: str) -> tuple[str, list[str]]:
    """Return the folder that the objects lie below, and their names, sorted."""
    bucket = place.partition("/")[0]
    if not bucket or PATTERN.search(bucket):
        raise SegError(f"{request.option}={request.path}: expected s3://bucket/folder/*.csv")
    if files.get_file_info(bucket).type == fs.FileType.NotFound:
        raise SegError(
            f"{request.option}={redact(request.path)}: there is no bucket {bucket}; check the name and AWS_ENDPOINT_URL"
        )
    if not PATTERN.search(place) and files.get_file_info(place).type == fs.FileType.File:
        return place.rpartition("/")[0], [place]
    parts = place.split("/")
    fixed = next((at for at, part in enumerate(parts) if PATTERN.search(part)), len(parts))
    base = "/".join(parts[:fixed])
    below = files.get_file_info(fs.FileSelector(base, recursive=True, allow_not_found=True))
    every = sorted(one.path for one in below if one.type == fs.FileType.File)
    names = [name for name in every if _matches(name, place, fixed == len(parts))]
    if not names:
        raise SegError(
            f"{request.option}={redact(request.path)}: no object matches; nearest names in {base}: "
            f"{listed(parts[-1], [name.removeprefix(f'{base}/') for name in every], most=5)}"
        )
    return base, names


def _matches(name: str, place: str, whole_folder: bool) -> bool:
    """Return True for an object that is read; `**` stands for any folders, `*` for a part of one name."""
    if whole_folder:
        from seg.engine import FORMATS  # late: the engine takes half a second to import

        endings = tuple(FORMATS) + tuple(f"{ending}.gz" for ending in FORMATS)
        return name.lower().endswith(endings)
    pattern = fnmatch.translate(place.replace("**/", "\0")).replace(".*", "[^/]*")
    return re.match(pattern.replace("\0", "(?:.*/)?").replace("\\\0", "(?:.*/)?"), name) is not None


def _copied(files: fs.S3FileSystem, name: str, target: Path) -> str:
    """Copy an object; return its ETag, or a hash of its content where the server has none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    before = _etag(files, name)
    # Without a compression: a file that is compressed stays so.
    with files.open_input_stream(name, compression=None) as source, open(target, "wb") as sink:
        shutil.copyfileobj(source, sink, PIECE)
    if _etag(files, name) != before:
        raise SegError(f"s3://{name}: was written while it was read; run the command again")
    return f"etag {before} {target.stat().st_size}" if before else ""


def _etag(files: fs.S3FileSystem, name: str) -> str:
    with files.open_input_file(name) as opened:
        metadata = {str(key).lower(): value for key, value in (opened.metadata() or {}).items()}
    etag = metadata.get("etag", "")
    return etag.decode() if isinstance(etag, bytes) else str(etag)
