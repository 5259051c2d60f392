"""Where executors write, and what they leave behind: the segment of every customer."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seg.config.parts import Parts
from seg.errors import SegError
from seg.pipeline.distributed import spark_export
from seg.pipeline.distributed.spark_customers import Customers
from seg.pipeline.distributed.spark_measure import Described
from seg.pipeline.population import ASSIGNMENTS, OnSpark
from seg.sinks import scratch


@contextmanager
def workplace(parts: Parts, folder: Path | None, staging: str | None) -> Iterator[tuple[object, Path]]:
    """Connect, and make a folder that executors write to and this process reads, for as long as the context lasts.

    Parameters
    ----------
    folder : Path, optional
        Directory of the run: used where executors share it.
    staging : str, optional
        ``engine.staging_dir``: used otherwise.

    Raises
    ------
    SegError
        Neither is shared; said before any data is read.
    """
    places = [folder or Path(tempfile.gettempdir()), staging]
    tried = []
    with parts.connect() as engine, engine.explained():
        for place in filter(None, places):
            work = scratch.make(".seg-spark", place).resolve()
            try:
                work.chmod(0o777)  # executors may run as another user
                if engine.local or spark_export.shared(engine.session, work):
                    yield engine, work
                    return
            finally:
                shutil.rmtree(work, ignore_errors=True)
            tried.append(str(place))
    raise SegError(
        f"model: files that Spark's executors write to {' and '.join(tried)} cannot be read by this process, and an MLlib model leaves its "
        "segments there; set engine.staging_dir to a folder that executors and this process share"
    )


def write_segments(customers: Customers, described: Described, work: Path, folder: Path | None) -> OnSpark:
    """Write the segments from the executors; they appear in the directory of the run complete or not at all.

    Parameters
    ----------
    customers : Customers
    described : Described
        The chosen segmentation, with the labelled customers.
    work : Path
        Folder that executors write to.
    folder : Path or None
        Directory of the run; None writes nothing.

    Returns
    -------
    OnSpark
    """
    written = None
    if folder is not None:
        parts = spark_export.write(described.labelled, described.order, work / ASSIGNMENTS, customers.count)
        written = _moved(parts, folder / ASSIGNMENTS)
    return OnSpark(
        customers.count, customers.sampled, customers.ends, ((described.model, work.parent),), written
    )


def _moved(source: Path, target: Path) -> Path:
    try:
        return source.rename(target)
    except OSError:  # another file system
        beside = target.with_name(f".{target.name}")
        try:
            return shutil.copytree(source, beside).rename(target)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
