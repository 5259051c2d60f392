"""Write the tables of a run to a folder, a database or a bucket: at once with seg run sink=..., or later with this command.

    seg export run=runs/2026-11-22/19-04-02-flo sink=parquet sink.folder=exports
    seg export run=3f2a81c0 sink=postgres sink.uri=postgresql://ana@db/crm      the password in PGPASSWORD
    seg export run=3f2a81c0 sink=csv sink.folder=out sink.tables=[customers,transactions,products]

run     the directory of a run, or the beginning of its id in MLflow (its directory is then looked for under runs/ and multirun/);
        several with commas, or the directory of a sweep: all of its runs
sink    csv, parquet, excel, postgres, mongodb, s3 or delta; options of each: configs/sink/

Writing a run twice changes nothing. Tables that seg has not made are left alone without sink.replace=true. Tables of months, lines
and products are computed from the data once more; where those have changed since the run they are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from seg.cli import for_each, options, own_end
from seg.config import compose, folders, load
from seg.errors import SegError

OWN = {"run": None}


def export(*arguments: str) -> int:
    """Export one run, or several one by one."""
    from seg import progress

    own, overrides = options.options(arguments, OWN)
    if not own["run"]:
        raise SegError("run=... is needed: expected the directory of a run, or the beginning of its id")
    progress.listen()
    runs = [job if isinstance(job, str) else job["folder"] for job in for_each.jobs_of(own["run"])]
    return for_each.several({f"run={run}": (_export, [run, *overrides]) for run in runs})


def _export(reference: str, *overrides: str) -> int:
    from seg.pipeline.export_run import export_run
    from seg.track import find_run

    folder = find_run.directory(reference, [folders.home() / "runs", folders.home() / "multirun"])
    config_yaml = folder / "config.yaml"
    if not config_yaml.is_file():
        raise SegError(f"run={folder}: has no config.yaml; expected the directory of a run")
    cfg = compose.recompose(compose.read_saved(config_yaml), overrides)
    settings = load.settings(cfg)
    sink = compose.instantiate_sink(cfg)
    if sink is None:
        raise SegError("sink=... is needed: expected csv, parquet, excel, postgres, mongodb, s3 or delta")
    parts = compose.instantiate_parts(cfg)
    where = export_run(
        folder, sink, settings.sink.get("tables"), settings.preparation, settings.data_dir, parts
    )
    print(f"exported to {where}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 for what the user can correct, 130 when interrupted."""
    return options.execute(__doc__, export, arguments)


if __name__ == "__main__":
    own_end.run_alone(main)
