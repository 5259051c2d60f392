"""Fetch files of a data set from the Hugging Face Hub, with its own client: resumed where a fetch was interrupted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from seg.errors import SegError, listed

UNFINISHED = ".fetch"  # in the folder of the data set; what is in it is continued by the next fetch


def fetch(repository: str, files: Sequence[str], folder: Path, option: str) -> list[Path]:
    """Download files of a dataset repository into a folder, each under its bare name once all are whole.

    Parameters
    ----------
    repository : str
        Such as ``McAuley-Lab/Amazon-Reviews-2023``.
    files : sequence of str
        Paths in the repository.
    folder : Path
        Made where it is missing.
    option : str
        What the user chooses the files by, for the error.

    Raises
    ------
    SegError
        No network, no such repository or file (the nearest names are listed), or a folder that cannot be written.
    """
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        # The client reads HF_ENDPOINT when it is imported, which may have been before it was set.
        endpoint = os.environ.get("HF_ENDPOINT")
        there = HfApi(endpoint=endpoint).list_repo_files(repository, repo_type="dataset")
        _check_there(repository, files, there, option)
        scratch = folder / UNFINISHED
        got = [
            Path(hf_hub_download(repository, file, repo_type="dataset", local_dir=scratch, endpoint=endpoint))
            for file in files
        ]
        placed = [path.replace(folder / path.name) for path in got]
        shutil.rmtree(scratch)
    except HfHubHTTPError as error:
        raise SegError(f"{repository}: {_first_line(error)}; {_advice(repository, files, folder)}") from None
    except OSError as error:
        if error.errno is None:  # the client's own, such as being offline
            raise SegError(
                f"{repository}: {_first_line(error)}; {_advice(repository, files, folder)}"
            ) from None
        raise SegError(
            f"{folder}: cannot be written ({error.strerror}); free space, or choose another folder with data_dir=..."
        ) from None
    except Exception as error:
        # The client lets the errors of its HTTP library through, whichever that is.
        if "httpx" not in type(error).__module__:
            raise
        raise SegError(f"{repository}: {_first_line(error)}; {_advice(repository, files, folder)}") from None
    return placed


def _check_there(repository: str, files: Sequence[str], there: Sequence[str], option: str) -> None:
    missing = [file for file in files if file not in there]
    if missing:
        missing_file = PurePosixPath(missing[0])
        beside = [
            PurePosixPath(file).stem for file in there if PurePosixPath(file).parent == missing_file.parent
        ]
        raise SegError(
            f"{option}: {repository} has no {missing_file}; expected one of {listed(missing_file.stem, beside, most=8)}"
        )


def _advice(repository: str, files: Sequence[str], folder: Path) -> str:
    names = " and ".join(PurePosixPath(file).name for file in files)
    return (
        f"try again (what has come is kept), or download {names} from "
        f"https://huggingface.co/datasets/{repository} into {folder}"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
