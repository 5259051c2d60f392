"""Segment the customers of a data set: from raw files to tracked, described segments.

    seg run                                               the toy data set, seconds
    seg run dataset=flo model=kmeans k=4                  FLO, about ten seconds
    seg run -m dataset=flo,online_retail model=kmeans,gmm k=3,4,5
    seg run experiment=nova_ims                           a published study

Leaves a run directory under runs/ with report.html, and a run in MLflow.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from seg.errors import SegError, no_memory

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from seg.cli.single_run import Done

log = logging.getLogger("seg")
USAGE = """\
Options (key=value; several values with commas and -m make a sweep):

{groups}

  k=4 | k=auto         number of segments
  seed=0               seed of everything random
  <group>.<key>=...    any key of a choice, such as dataset.path=orders.csv or evaluation.null=20
  --config-dir DIR     a folder of your own configs, beside those of seg
  --cfg job            print the composed configuration
  --hydra-help         options of Hydra: launchers, sweepers, output

Every key with its meaning: docs/reference.md."""
# Errors that ended the single run and were logged: raised through Hydra, they would be printed twice.
_ended: list[SegError] = []


def run(cfg: DictConfig, tags: Mapping[str, object] | None = None) -> Done:
    """Run one configuration that Hydra has composed; `tags` are added to the run in MLflow."""
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    from seg.cli import single_run, sweeps
    from seg.sinks.process_names import process_name

    hydra = HydraConfig.get()
    overrides = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    request = single_run.Request(cfg, dict(hydra.runtime.choices), overrides)
    further = {"process": process_name(), **(tags or {})}
    return single_run.tracked(
        request, Path(hydra.runtime.output_dir), further, lambda fingerprint: sweeps.key(cfg, fingerprint)
    )


def _job(cfg: DictConfig, tags: Mapping[str, object]) -> dict:
    """Run one job of a sweep; return what the sweep notes about it."""
    done = run(cfg, tags)
    if done.refused is not None:
        raise done.refused
    finished = done.finished
    return {
        "run_id": done.tracker.run_id,
        "metrics": {name: float(value) for name, value in done.result.metrics.items()},
        "flagged": "; ".join(done.result.evidence.flags) or "no",
        "dataset": finished.settings.dataset.name,
        "model": finished.request.choices.get("model"),
    }


def command(cfg: DictConfig) -> float | None:
    """Run what Hydra has composed: one run, or a job of a sweep. Hydra calls this function."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    if HydraConfig.get().mode == RunMode.MULTIRUN:
        from seg.cli import sweeps

        return sweeps.job(cfg, _job)
    from seg.cli import console, unexpected

    unexpected.begin(Path(HydraConfig.get().runtime.output_dir))
    try:
        done = run(cfg)
        console.close_run(done)
        if done.refused is not None:
            raise done.refused
    except (SegError, MemoryError) as error:
        ended = error if isinstance(error, SegError) else SegError(no_memory(error))
        log.error("error: %s", ended)  # into the log of the run too
        _ended.append(ended)
    finally:
        for handler in logging.getLogger().handlers:
            handler.flush()
    return None


def usage() -> str:
    """Return the text of ``seg run --help``."""
    from seg.config import folders

    width = max(map(len, folders.GROUPS)) + 1
    groups = [
        f"  {group + '=':<{width}} {' | '.join(folders.choices(group))}"
        for group in folders.GROUPS
        if group != "experiment"
    ]
    groups.append(f"  {'experiment=':<{width}} {' | '.join(folders.choices('experiment'))}")
    return f"{__doc__.strip()}\n\n{USAGE.format(groups=chr(10).join(groups))}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 for what the user can correct, 130 when interrupted."""
    logging.raiseExceptions = False  # a reader such as head may stop listening: no reason for a traceback
    from seg.cli import interrupts, options
    from seg.config import folders

    options.own_process()
    interrupts.listen()
    options.show_every_character()
    try:
        arguments = options.own_configs(sys.argv[1:] if arguments is None else arguments)
        folders.prepare_environment()
        options.hide_arguments()
        if {"--help", "-h"} & set(arguments):
            print(usage())
            return 0
        _start(arguments)
        return 1 if _ended else _close_sweep()
    except KeyboardInterrupt as error:
        _close_sweep("KILLED", error)
        print("interrupted", file=sys.stderr)
        return 130
    except SegError as error:
        _close_sweep("FAILED", error)
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        _close_sweep("FAILED", error)
        explained = _explained(error, arguments)
        if explained is None:
            from seg.cli import unexpected

            return unexpected.report(error)
        print(f"error: {explained}", file=sys.stderr)
        return 1
    except BaseException as error:  # of a library in another language, which is no Exception
        if isinstance(error, SystemExit | GeneratorExit):
            raise
        _close_sweep("FAILED", error)
        from seg.cli import unexpected

        return unexpected.report(error)


def _start(arguments: Sequence[str]) -> None:
    """Hand over to Hydra, which reads the command line from ``sys.argv``."""
    import hydra

    from seg.config import folders
    from seg.config.overrides import private, readable

    for argument in arguments:
        key, _, folder = argument.partition("=")
        if key == "hydra.run.dir" and folder:
            from seg.sinks import local_files as files

            files.check_free(Path(folder.strip("'\"")))  # before Hydra writes into it
    own = folders.own_configs()
    directory = ["--config-dir", str(own)] if own else []
    sys.argv[1:] = [*directory, *(readable(private(argument)) for argument in arguments)]
    _ended.clear()
    with _composed_once(arguments):
        hydra.main(version_base="1.3", config_path=str(folders.CONFIGS), config_name="run")(command)()


@contextlib.contextmanager
def _composed_once(arguments: Sequence[str]) -> Iterator[None]:
    """Keep Hydra from composing everything twice.

    The jobs of a sweep are composed and checked before its start by `seg.cli.sweeps.planning`, and a command that names no
    preset is composed first only to see whether a preset is a sweep without -m.
    """
    from hydra._internal.hydra import Hydra
    from hydra.plugins.sweeper import Sweeper

    get_mode, validate = Hydra.get_mode, Sweeper.validate_batch_is_legal
    if not any("experiment" in argument or "hydra.mode" in argument for argument in arguments):
        Hydra.get_mode = lambda *_, **__: None
    Sweeper.validate_batch_is_legal = lambda *_: None
    try:
        yield
    finally:
        Hydra.get_mode, Sweeper.validate_batch_is_legal = get_mode, validate


def _sweep() -> ModuleType | None:
    """Return the module of sweeps if a sweep was begun: importing it takes a second that errors need not wait for."""
    return sys.modules.get("seg.cli.sweeps")


def _close_sweep(status: str | None = None, error: BaseException | None = None) -> int:
    sweep = _sweep()
    return 0 if sweep is None else sweep.close(status, error)


def _explained(error: Exception, arguments: Sequence[str]) -> str | None:
    from seg.config.overrides import explain

    sweep = _sweep()
    return explain(error, arguments, sweeps=True) or (None if sweep is None else sweep.explain(error))


if __name__ == "__main__":
    # Jobs in other processes import the command by its name.
    from seg.cli.own_end import run_alone
    from seg.run import main as named

    run_alone(named)
