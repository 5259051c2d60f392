"""Kill commands and sinks at seeded moments: nothing is half-written, nothing stays RUNNING, the store is whole, doing it again works.

    PYTHONPATH=tests/support python tests/inputs/kill_commands.py 30         # moments of run, sweep, promote, score and push
    PYTHONPATH=tests/support python tests/inputs/kill_commands.py sinks 10   # moments of each sink, with real servers; readers look on meanwhile

Each moment is a seed: `kill_commands.py 1 17` repeats number 17. Both are `make kills`. The source of seg must stay as it is
meanwhile: a sweep takes up no job of another version.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
import uuid
import zlib
from collections import Counter
from pathlib import Path

import command_line
import local_servers

TOY = ["dataset=toy", "dataset.customers=80", "selection.k_range=[2,3]", "cache=off"]
COMMANDS = ("run", "sweep", "promote", "score", "push")
SINKS = {
    "csv": None, "parquet": None, "excel": None, "delta": None, "postgres": local_servers.postgres_server,
    "mongo": local_servers.mongo_server, "s3": local_servers.s3_server,
}  # fmt: skip
OLD, NEW = 50, 30_000  # rows of customers
PATIENCE = 240  # seconds that a command may take


class Place:
    """A folder with a store, a finished run in it, and customers to score; made once, for any number of kills.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path):
        self.folder, self.database = folder, folder / "mlflow.db"
        self.uri = f"tracking.uri=sqlite:///{self.database}"
        self.environment = command_line.clean_environment(SEG_HOME=str(folder), XDG_CONFIG_HOME=str(folder))
        self.run = folder / "first"
        self.seconds: dict[str, float] = {}  # that a command takes when nobody kills it
        self.finish(["seg.run", *TOY, "k=3", self.uri, f"hydra.run.dir={self.run}"])
        self._write_customers()

    def _write_customers(self) -> None:
        import pandas as pd

        card = json.loads((self.run / "scoring.json").read_text())
        values = {name: [ranges["0.25"], ranges["0.75"]] * 500 for name, ranges in card["ranges"].items()}
        ids = [f"c{place}" for place in range(1000)]
        pd.DataFrame({"customer_id": ids, **values}).to_parquet(self.folder / "new.parquet")

    def finish(self, arguments: list[str]) -> None:
        """Run a command to its end."""
        done = command_line.run(*arguments, env=self.environment, timeout=PATIENCE, figures=True)
        assert done.returncode == 0, (arguments, done.stdout[-500:], done.stderr[-1500:])

    def arguments(self, command: str, folder: Path) -> list[str]:
        """Return the arguments of a command that writes to `folder`."""
        if command == "push":
            self._waiting(folder)
            return ["seg.track", "push", str(folder), self.uri]
        run_id = json.loads((self.run / "tracking/state.json").read_text())["run_id"]
        return {
            "run": ["seg.run", *TOY, "k=3", self.uri, f"hydra.run.dir={folder}"],
            "sweep": ["seg.run", "-m", *TOY, "k=2,3", f"seed={zlib.crc32(folder.name.encode()) % 10_000}", self.uri, f"hydra.sweep.dir={folder}"],
            "promote": ["seg.compare", "promote", f"run={run_id}", "force=true", "why=kills", self.uri],
            "score": ["seg.score", f"model={self.run}", f"input={self.folder}/new.parquet", f"output={folder}.csv", "if_exists=replace"],
        }[command]  # fmt: skip

    def _waiting(self, folder: Path) -> None:
        """Copy the finished run as one that no store has got."""
        if folder.exists():
            return
        shutil.copytree(self.run, folder)
        (folder / "tracking/state.json").unlink()
        path = folder / "tracking/record.json"
        record = json.loads(path.read_text()) | {"key": uuid.uuid4().hex}
        path.write_text(json.dumps(record))


def killed(place: Place, command: str, folder: Path, moment: float) -> bool:
    """Start a command and kill it, as the machine would for want of memory.

    Parameters
    ----------
    place : Place
    command : str
    folder : Path
        That it writes to.
    moment : float
        When, as a share of the time that the command takes, 0 to 1.

    Returns
    -------
    bool
        False where it had ended before.
    """
    if command not in place.seconds:
        start = time.monotonic()
        place.finish(place.arguments(command, place.folder / f"timed-{command}"))
        place.seconds[command] = time.monotonic() - start
    with command_line.started(*place.arguments(command, folder), env=place.environment, figures=True) as (
        process,
        _said,
    ):
        process.join(moment * place.seconds[command])
        alive = process.is_alive()
        process.kill()
        process.join()
    return alive and process.exitcode == -signal.SIGKILL


def check_whole(place: Place, folder: Path) -> None:
    """Check that every file that has its name is complete, and that the store is."""
    import pandas as pd

    places = [path for path in folder.rglob("*")] if folder.is_dir() else []
    for path in [*places, *folder.parent.glob(f"{folder.name}.csv")]:
        if path.name.startswith(".") or any(
            one.startswith(".") for one in path.relative_to(folder.parent).parts
        ):
            continue  # under a temporary name
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".csv":
            pd.read_csv(path)  # a table may have no row, and always has its names
            assert path.read_bytes().endswith(b"\n"), path
        elif path.suffix == ".parquet":
            pd.read_parquet(path)
        elif path.suffix == ".html":
            assert path.read_text().rstrip().endswith("</html>"), path
    if (folder / "tracking/record.json").exists():
        model = json.loads((folder / "tracking/record.json").read_text())["model"]
        assert not model or (folder / "tracking/model/MLmodel").exists(), folder
    with sqlite3.connect(place.database) as opened:
        assert opened.execute("pragma integrity_check").fetchall() == [("ok",)]


def check_ended(place: Place) -> None:
    """Check that the next look at the store leaves nothing RUNNING, and no run in it twice."""
    from seg.track import dead_runs, store

    client = store.client(place.uri.partition("=")[2])
    experiments = [one.experiment_id for one in client.search_experiments()]
    dead_runs.end_dead_runs(client, experiments)
    runs = client.search_runs(experiments, max_results=1000)
    assert not [run.info.run_id for run in runs if run.info.status == "RUNNING"]
    keys = Counter(run.data.tags["seg.record"] for run in runs if "seg.record" in run.data.tags)
    assert not [key for key, times in keys.items() if times > 1], keys


def check_again(place: Place, command: str, folder: Path) -> None:
    """Check that the same command works afterwards."""
    place.finish(place.arguments(command, folder))
    check_whole(place, folder)
    check_ended(place)


def outcome(place: Place, seed: int, again: bool = True) -> str:
    """Kill one command at one moment; a word for what came, an AssertionError where seg is at fault."""
    chance = random.Random(seed)
    command, moment = COMMANDS[seed % len(COMMANDS)], chance.random()
    folder = place.folder / f"{command}-{seed}"
    was_killed = killed(place, command, folder, moment)
    check_whole(place, folder)
    check_ended(place)
    finished = command == "run" and (folder / "report.html").exists()
    if again and not finished:
        check_again(place, command, folder)
    return f"{command} {'killed' if was_killed else 'had ended'}"


# ---- sinks -----------------------------------------------------------------------------------------------------------


class Readers:
    """Somebody who reads the customers of a sink again and again while they are replaced.

    Parameters
    ----------
    place : test_sinks.Place
    """

    def __init__(self, place):
        self.place, self.seen, self.interrupted = place, Counter(), 0
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._read)

    def __enter__(self) -> Readers:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._stop.is_set():
            try:
                self.seen[version(self.place.customers())] += 1
            except Exception:  # what was being read was replaced: an error, and no rows
                self.interrupted += 1
            self._stop.wait(0.02)


def version(customers) -> str:
    """Return which table a reader sees: the old or the new one, or what else."""
    further = customers["more"].notna().sum() if "more" in customers else 0
    if (len(customers), further) == (OLD, 0):
        return "old"
    return "new" if len(customers) == further == NEW else f"half: {len(customers)} rows, {further} of the new"


def sink_outcome(place, seconds: float, moment: float) -> tuple[str, Readers, float]:
    """Kill the writer of a sink at one moment; what readers saw, an AssertionError where it is neither table.

    Parameters
    ----------
    place : test_sinks.Place
    seconds : float
        That the writer takes; 0 waits for its end.
    moment : float
        As a share of them.

    Returns
    -------
    str
        What the sink holds afterwards: old or new.
    Readers
    float
        Seconds that the writer took.
    """
    import test_sinks

    place.sink().write(test_sinks.export(n=OLD))
    known = {"kind": place.kind, "folder": str(place.folder), "name": place.name, "server": place.server}
    with (
        command_line.started("write_customers", json.dumps(known), env=os.environ) as (process, said),
        Readers(place) as readers,
    ):
        while "ready" not in said():
            assert process.is_alive(), said("err")
            time.sleep(0.005)
        start = time.monotonic()
        process.join(moment * seconds if seconds else PATIENCE)
        process.kill()
        process.join()
        took = time.monotonic() - start
        time.sleep(0.3)
    left = version(place.customers())
    assert {*readers.seen, left} <= {"old", "new"}, (readers.seen, left)
    assert readers.seen, "nobody could read"
    place.sink().write(test_sinks.export(n=60))
    assert len(place.customers()) == 60
    return left, readers, took


def sinks(count: int, only: str | None = None) -> int:
    """Kill each sink at `count` moments; print what it held afterwards and what readers saw; 1 where seg was at fault."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "sinks"))
    import test_sinks

    os.environ |= {"AWS_ACCESS_KEY_ID": local_servers.ACCESS, "AWS_SECRET_ACCESS_KEY": local_servers.SECRET}
    faults = []
    for kind in [only] if only else SINKS:
        with SINKS[kind]() if SINKS[kind] else contextlib.nullcontext() as server:
            held, read, seconds = Counter(), Counter(), 0.0
            for seed in range(-1, count):  # the first is timed and not killed
                with tempfile.TemporaryDirectory() as folder:
                    place = test_sinks.Place.__new__(test_sinks.Place)
                    place.kind, place.server, place.folder = kind, server, Path(folder)
                    place.name = f"kills_{kind}_{seed + 1}"
                    try:
                        moment = random.Random(f"{kind} {seed}").random()
                        left, readers, took = sink_outcome(place, seconds, moment)
                    except AssertionError as error:
                        faults.append(f"{kind}, seed {seed}: {str(error)[-1500:]}")
                        continue
                    seconds = seconds or took
                    held[left] += seed >= 0
                    read += readers.seen + Counter(interrupted=readers.interrupted)
            print(
                f"{kind}: {count} kills in {seconds:.1f} s of writing; held afterwards {dict(held)}; readings {dict(read)}",
                flush=True,
            )
    print(f"faults {len(faults)}", *faults, sep="\n")
    return int(bool(faults))


def main(count: int, first: int = 0) -> int:
    """Kill at many moments; print what came and how often; 1 where seg was at fault."""
    outcomes, faults = Counter(), []
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        for seed in range(first, first + count):
            try:
                outcomes[came := outcome(place, seed)] += 1
                print(f"seed {seed}: {came}", flush=True)
            except Exception as error:
                faults.append(
                    f"seed {seed} ({COMMANDS[seed % len(COMMANDS)]}): {type(error).__name__}: {str(error)[:1500]}"
                )
    print(
        f"{count} kills: "
        + ", ".join(f"{name} {times}" for name, times in sorted(outcomes.items()))
        + f"; faults {len(faults)}"
    )
    print("\n".join(faults))
    return int(bool(faults))


if __name__ == "__main__":
    if sys.argv[1:2] == ["sinks"]:
        sys.exit(sinks(int(sys.argv[2]), *sys.argv[3:]))
    sys.exit(main(*map(int, sys.argv[1:] or ["30"])))
