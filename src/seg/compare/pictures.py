"""The pictures of runs, small enough that those of many runs go into one page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

KINDS = {
    "profile": "profile",
    "map": "map",
    "silhouette_blades": "silhouette",
    "silhouette": "silhouette over k",
    "elbow": "elbow",
    "sizes": "sizes",
}
WIDTH = 680  # pixels: half a screen


def file(kind: str) -> str:
    """Return the artifact that holds a picture."""
    return f"figures/{kind}.png"


def embedded(paths: Mapping[tuple[str, str], Path | None]) -> dict[str, dict[str, str | None]]:
    """Return pictures as data URIs, by run and kind; None where a picture is missing or is none."""
    with ThreadPoolExecutor(2) as pool:
        uris = list(pool.map(_uri, paths.values()))
    pictures: dict[str, dict[str, str | None]] = {}
    for (run_id, kind), uri in zip(paths, uris, strict=True):
        pictures.setdefault(run_id, {})[kind] = uri
    return pictures


def _uri(path: Path | None) -> str | None:
    """Make a picture small: a sixth of the bytes, sharp enough for half a screen."""
    from PIL import Image, UnidentifiedImageError

    if path is None:
        return None
    try:
        with Image.open(path) as image:
            picture = image.convert("RGB")
    except (OSError, UnidentifiedImageError):
        return None
    if picture.width > WIDTH:
        size = (WIDTH, round(picture.height * WIDTH / picture.width))
        picture = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=55, method=2)  # a slower method saves little more
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
