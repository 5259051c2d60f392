"""Runs whose process died without ending them: the next command ends them, and no run of a process that lives."""

from __future__ import annotations

from collections.abc import Sequence

from seg.sinks.process_names import has_ended

MOST = 1000  # runs asked for at a time
WHY = "the process exited unexpectedly"


def end_dead_runs(client, experiment_ids: Sequence[str]) -> list[str]:
    """End as KILLED the runs that a process which has ended left running.

    Parameters
    ----------
    client : MlflowClient
    experiment_ids : sequence of str

    Returns
    -------
    list of str
        Ids of the runs. A run of another host is left alone: whether its process lives cannot be known from here.
    """
    running = client.search_runs(
        list(experiment_ids), "attributes.status = 'RUNNING' and tags.process LIKE '%'", max_results=MOST
    )
    dead = [run.info.run_id for run in running if has_ended(run.data.tags["process"])]
    for run_id in dead:
        end_as_killed(client, run_id, WHY)
    return dead


def end_as_killed(client, run_id: str, why: str) -> None:
    """End a run as KILLED, with the reason as a tag.

    Parameters
    ----------
    client : MlflowClient
    run_id : str
    why : str
    """
    client.set_tag(run_id, "error", why)
    client.set_terminated(run_id, "KILLED")
