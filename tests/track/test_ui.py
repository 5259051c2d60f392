"""MLflow's UI as `make ui` starts it: what a person finds who opens the address that it prints."""

import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from test_tracking import left

import browser
import empty_store
from seg.track import push, record, view

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on this machine")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def pushed(tmp_path):
    """Give a store with one run in it."""
    uri, folder = empty_store.at(tmp_path), left(tmp_path / "run", "seg")
    (folder / "report.html").write_text("<h1>Two kinds of customers</h1>")
    kept = record.read(folder)
    kept.files, kept.params = ["report.html"], {"model": "kmeans", "k": "2"}
    record.write(kept, folder)
    return uri, push.push(folder, folder, uri)


def test_the_address_shows_runs_with_the_columns_to_compare_and_the_report(pushed, tmp_path):
    uri, run_id = pushed
    line = [sys.executable, "-m", "seg.track", "ui", f"port={free_port()}", f"tracking.uri={uri}"]
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        said = next((text for text in server.stdout if text.startswith("open http://127.0.0.1:")), "")
        page = said.removeprefix("open ").strip()
        assert view.NAME in page, (tmp_path / "log").read_text()
        with browser.page(tmp_path / "profile", timeout=120) as opened:
            opened.open(page, width=2400)  # columns that lie outside the window are not made
            runs = opened.shows("toy kmeans k=2", "own/silhouette", "Compare segmentations")
            assert "Detect Issues" not in runs  # of the GenAI pages
            opened.value(f"location.hash = '/experiments/1/runs/{run_id}/artifacts/report.html'")
            opened.shows("Path:", "report.html")
        served = f"{page.partition('/#')[0]}/get-artifact?path=report.html&run_uuid={run_id}"
        with urllib.request.urlopen(served, timeout=60) as answer:
            assert "Two kinds of customers" in answer.read().decode()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
