"""A headless Chromium, driven over its debugging pipe: no further package, no port."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip


class Page:
    """One page: what it says on the console and asks of the network is kept."""

    def __init__(self, send, receive):
        self._send, self._receive, self._number = send, receive, 0
        self._session = None
        self.console: list[str] = []
        self.requests: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(self, url: str, width: int = 1400, height: int = 1000) -> None:
        """Load a page and wait until it has."""
        self.size(width, height)
        self._loaded = False
        self._call("Page.navigate", url=url)
        while not self._loaded:
            self._take(self._receive())

    def size(self, width: int, height: int) -> None:
        """Set the size of the window in CSS pixels."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def value(self, script: str):
        """Return what an expression of JavaScript gives."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def shows(self, *texts: str, patience: float = 60) -> str:
        """Wait until the page shows all texts; return everything that it shows."""
        until = time.monotonic() + patience
        while True:
            shown = self.value("document.body ? document.body.innerText : ''")
            missing = [text for text in texts if text not in shown]
            if not missing:
                return shown
            assert time.monotonic() < until, f"the page does not show {missing} but: {shown[:2000]}"
            time.sleep(0.2)

    def screenshot(self, path: Path, whole: bool = True) -> None:
        """Write a picture of the page."""
        answer = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(answer["data"]))

    def _call(self, method: str, **parameters) -> dict:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._send(message | ({"sessionId": self._session} if self._session else {}))
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self._take(answer)

    def _take(self, event: dict) -> None:
        parameters, name = event.get("params", {}), event.get("method")
        if name == "Page.loadEventFired":
            self._loaded = True
        elif name == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif name == "Runtime.exceptionThrown":
            self.console.append(json.dumps(parameters["exceptionDetails"])[:500])
        elif name == "Runtime.consoleAPICalled":
            self.console.append(json.dumps(parameters["args"])[:500])
        elif name == "Log.entryAdded":
            self.console.append(parameters["entry"]["text"])


@contextlib.contextmanager
def page(profile: Path, timeout: float = 60) -> Iterator[Page]:
    """Start a browser with a new profile, and end it afterwards."""
    (read_in, write_in), (read_out, write_out) = os.pipe(), os.pipe()

    def pipes() -> None:  # the browser reads commands from 3 and answers on 4
        one, two = os.dup(read_in), os.dup(write_out)
        os.dup2(one, 3)
        os.dup2(two, 4)

    process = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(read_in)
    os.close(write_out)
    buffer, deadline = bytearray(), time.monotonic() + timeout

    def send(message: dict) -> None:
        os.write(write_in, json.dumps(message).encode() + b"\0")

    def receive() -> dict:
        while b"\0" not in buffer:
            if not select.select([read_out], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise TimeoutError(f"no answer of the browser within {timeout} seconds")
            chunk = os.read(read_out, 1 << 20)
            if not chunk:
                raise ConnectionError("the browser is gone")
            buffer.extend(chunk)
        message, _, rest = bytes(buffer).partition(b"\0")
        buffer[:] = rest
        return json.loads(message)

    try:
        yield Page(send, receive)
    finally:
        process.terminate()
        process.wait(20)
        os.close(write_in)
        os.close(read_out)
