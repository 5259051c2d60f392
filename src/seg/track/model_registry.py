"""The champion of a data set: one model in the registry, with who promoted it, when and why."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from seg.errors import SegError, listed

if TYPE_CHECKING:
    import pandas as pd

CHAMPION, PREVIOUS = "champion", "previous"
PREFIX = "seg-"
OLD = ("seg-transactions", "seg-customers")
TOLD = ("since", "until", "by", "why", "forced", "previous")


def registered(dataset: str) -> str:
    """Return the name of the registered model of a data set."""
    # MLflow takes neither a slash nor a colon in a name.
    return f"{PREFIX}{re.sub(r'[/:%]', '_', dataset)}"


def old_names(names: Iterable[str]) -> str:
    """Return a remark where models of own files are registered as older versions of seg did: all brands under one name.

    Parameters
    ----------
    names : iterable of str
        Of the registered models.
    """
    old = [name for name in names if name in OLD]
    if not old:
        return ""
    return (
        f". Older versions of seg registered the models of all own files as {' and '.join(old)}: name that model, or promote its run "
        "once more under the name of its data set"
    )


def promote(
    client, dataset: str, run_id: str, model_id: str, why: str, facts: Mapping[str, str]
) -> tuple[str, str | None]:
    """Register the model of a run and make it the champion of its data set.

    Parameters
    ----------
    client : MlflowClient
    dataset : str
    run_id, model_id : str
        The run and the model that it logged.
    why : str
    facts : mapping of str to str
        Further tags of the version, such as ``data.fingerprint``.

    Returns
    -------
    version, previous : str, str or None
        The new version and the one that was champion before it.

    Raises
    ------
    SegError
        The files of the model are gone, or the registry does not take it.

    Notes
    -----
    1. Every promotion is a version, so the versions are the history; going back to an earlier run makes another one.
    2. The tags are on the version before the alias moves, so a champion without a history cannot be seen; a version
       without the alias is a promotion that was cut short, and no harm.
    """
    from mlflow.exceptions import MlflowException

    name = registered(dataset)
    _check_files(client, model_id, run_id)
    try:
        previous = champion(client, dataset)
        _registered(client, name, dataset)
        tags = {
            "champion.by": getpass.getuser(),
            "champion.since": _now(),
            "champion.why": why,
            "champion.run_id": run_id,
            "champion.previous": "" if previous is None else str(previous.version),
            **facts,
        }
        tags = {key: str(value)[:5000] for key, value in tags.items()}
        version = client.create_model_version(
            name, f"models:/{model_id}", run_id=run_id, tags=tags, model_id=model_id
        ).version
        if previous is not None:
            client.set_registered_model_alias(name, PREVIOUS, previous.version)
        client.set_registered_model_alias(name, CHAMPION, version)
        if previous is not None:
            client.set_model_version_tag(name, previous.version, "champion.until", tags["champion.since"])
    except MlflowException as error:
        raise SegError(f"{name}: the registry refused it ({str(error).splitlines()[0][:300]})") from error
    return str(version), None if previous is None else str(previous.version)


def champion(client, dataset: str):
    """Return the version that is champion of a data set, None where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(registered(dataset), CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None  # no such model, or a model without the alias
        raise


def history(client, datasets: tuple[str, ...] = ()) -> pd.DataFrame:
    """List every version that was promoted, the newest first.

    Returns
    -------
    DataFrame
        `dataset`, `version`, `state` ("champion", "previous" or ""), `since`, `until`, `by`, `why`, `forced`, `run_id`,
        `previous` and `fingerprint`.

    Raises
    ------
    SegError
        A data set that is asked for has no registered model.
    """
    names = [model.name for model in _all(client.search_registered_models, f"name LIKE '{PREFIX}%'")]
    missing = [name for name in datasets if registered(name) not in names]
    if missing:
        known = [name.removeprefix(PREFIX) for name in names]
        raise SegError(
            f"dataset={missing[0]}: no champion yet; there is one of {listed(missing[0], known)}{old_names(names)}"
        )
    rows = []
    for name in [registered(one) for one in datasets] or names:
        aliases = client.get_registered_model(name).aliases
        states = {str(version): alias for alias, version in aliases.items()}
        for entry in _all(client.search_model_versions, f"name = '{name}'"):
            rows.append(
                {
                    "dataset": name.removeprefix(PREFIX),
                    "version": int(entry.version),
                    "state": states.get(str(entry.version), ""),
                    **{key: entry.tags.get(f"champion.{key}", "") for key in TOLD},
                    "run_id": entry.run_id,
                    "fingerprint": entry.tags.get("data.fingerprint", ""),
                }
            )
    columns = ["dataset", "version", "state", *TOLD, "run_id", "fingerprint"]
    import pandas as pd  # late: a mistyped option of a command that only names a model needs no tables

    return pd.DataFrame(rows, columns=columns).sort_values(
        ["dataset", "version"], ascending=[True, False], ignore_index=True
    )


def _check_files(client, model_id: str, run_id: str) -> None:
    """Open the description of a model: a registry takes an address behind which there is nothing, too."""
    import mlflow

    try:
        mlflow.models.get_model_info(f"models:/{model_id}")
    except Exception as error:
        raise SegError(
            f"run {run_id[:8]}: its model {model_id} cannot be read ({str(error).splitlines()[0][:200]}); run it again"
        ) from error


def _registered(client, name: str, dataset: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(
            name,
            tags={"dataset": dataset},
            description=f"Segments of the customers of {dataset}. The alias {CHAMPION} is the model in use.",
        )
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _all(search, condition: str) -> list:
    """Read every page of a search."""
    token, listed = None, []
    while True:
        page = search(condition, page_token=token)
        listed += page
        token = page.token
        if not token:
            return listed


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
