"""Serve MLflow, and upload the runs that are missing in it: the server was down, the disk full, the store read-only.

    seg track ui                                           MLflow's pages, on this machine only (port=5000)
    seg track list                                         runs that are not in MLflow, and why
    seg track push                                         upload all of them
    seg track push runs/2026-11-22/19-04-02-206374-flo     upload this one

Every run first saves what MLflow is to know in its run directory. An upload keeps the times and the status of the run, completes a
partial upload, and creates nothing twice. Runs are uploaded to tracking.uri=..., or else to the store they were meant for. Passwords
are never saved: pass an address that needs one again, or set MLFLOW_TRACKING_URI. The exit code is 0 when nothing is left to
upload, 1 when something is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from seg.cli import options, own_end
from seg.config import folders
from seg.errors import SegError
from seg.track import push as pushing
from seg.track import record, store
from seg.track import ui as serving

OWN = {"tracking.uri": None}


def show(arguments: Sequence[str]) -> int:
    """Print the runs that are not in MLflow yet."""
    waiting = _waiting(_uri_and_folders(arguments)[1])
    for folder in waiting:
        print(folder)
        try:
            run = record.read(folder)
        except SegError as error:
            print(f"  cannot be uploaded: {error}")
            continue
        when = datetime.fromtimestamp(run.end_time / 1000)
        where = run.uri or store.hidden(store.address())
        print(f"  {run.run_name}, {run.status} {when:%Y-%m-%d %H:%M}, for {where}")
        print(f"  {record.state(folder).get('error') or 'its upload was cut short'}")
    print(f"{len(waiting)} to upload" + (": seg track push" if waiting else ""))
    return 0


def push(arguments: Sequence[str]) -> int:
    """Upload runs; 1 when one of them could not be."""
    uri, named = _uri_and_folders(arguments)
    failed, done, down = 0, 0, {}
    folders = [one for folder in named for one in record.folders(folder) or [folder]]
    for folder in folders or _waiting([]):
        try:
            run, state = record.read(folder), record.state(folder)
            if state.get("pushed") and uri is None:
                print(f"{folder}: {run.run_name} is in {state['uri']} already")
                continue
            to = _address(run, folder, uri)
            _upload(run, folder, to, down)
            print(f"{folder}: {run.run_name}, {run.status}, is in {store.hidden(to)} now")
            done += 1
        except SegError as error:
            print(f"error: {error}", file=sys.stderr)
            failed += 1
    print(f"{done} uploaded, {failed} not" if done or failed else "nothing to upload")
    return 1 if failed else 0


def _upload(run: record.Record, folder: Path, uri: str, down: dict[str, str]) -> None:
    """Upload one run; a store that cannot be opened is noted, so that it is asked once and not for every run."""
    from seg.sinks import shared_files

    if uri not in down:
        try:
            client = store.client(uri)
            client.search_experiments(max_results=1)
        except Exception as error:
            down[uri] = store.reason(error, uri)
    if uri in down:
        record.note(folder, error=down[uri])
        raise SegError(f"{folder}: {down[uri]}")

    files = [folder / name for name in run.files]
    key = os.environ.get("SEG_ID_KEY") or None
    privacy = shared_files.Privacy(key if run.ids else "none", run.min_cell)
    with shared_files.to_share(files, folder, run.data[1] if run.data else "", privacy) as shared:
        pushing.push(folder, shared, uri, client)


def _uri_and_folders(arguments: Sequence[str]) -> tuple[str | None, list[Path]]:
    own, rest = options.options([text for text in arguments if "=" in text], OWN)
    if rest:
        raise SegError(f"{rest[0]}: unknown; expected tracking.uri=... or directories of runs")
    return own["tracking.uri"], [Path(text).resolve() for text in arguments if "=" not in text]


def _waiting(roots: list[Path]) -> list[Path]:
    roots = roots or [folders.home() / "runs", folders.home() / "multirun"]
    return [folder for folder in record.folders(*roots) if not record.state(folder).get("pushed")]


def _address(run: record.Record, folder: Path, uri: str | None) -> str:
    uri_here = store.address(uri)
    if uri or run.uri in (None, store.hidden(uri_here)):
        return uri_here
    if any(sign in run.uri for sign in ("...@", "=...")):
        raise SegError(
            f"{folder}: the run is meant for {run.uri}, whose password is not stored; pass the address again: "
            f"seg track push {folder} tracking.uri=..."
        )
    return store.address(run.uri)


def ui(arguments: Sequence[str]) -> int:
    """Serve MLflow's UI until it is interrupted; of a server that runs already, say what to open."""
    own, rest = options.options(arguments, OWN | {"tracking.experiment": "seg", "port": "5000"})
    if rest or not own["port"].isdigit():
        raise SegError(
            f"{rest[0] if rest else 'port=' + own['port']}: expected tracking.uri=, tracking.experiment= or port=5000"
        )
    uri, port, experiment = store.address(own["tracking.uri"]), int(own["port"]), own["tracking.experiment"]
    if uri.startswith("http"):
        print(f"open {serving.address(uri, experiment)}")
        return 0
    store.check(uri)
    with serving.served(uri, port) as process:
        print(
            f"\nopen {serving.address(f'http://{serving.HOST}:{port}', experiment)}\nControl-C ends it",
            flush=True,
        )
        return process.wait()


COMMANDS = {"list": show, "push": push, "ui": ui}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when nothing is left to upload, 1 when something is."""
    return options.execute(__doc__, options.one_of(COMMANDS), arguments)


if __name__ == "__main__":
    own_end.run_alone(main)
