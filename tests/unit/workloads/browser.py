"""Headless Chromium through ChromeDriver: the dozen verbs of W3C WebDriver that the page's tests speak."""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.unit.workloads.servers import free_port, listening

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's id in every answer, from the W3C recommendation
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
QUIET += ["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"]


@dataclass
class Page:
    session: str

    def open(self, url: str) -> None:
        self.post("url", {"url": url})

    def post(self, verb: str, body: dict[str, Any]) -> Any:
        return _call(f"{self.session}/{verb}", body)

    def get(self, verb: str) -> Any:
        return _call(f"{self.session}/{verb}")

    def script(self, source: str, *arguments: Any) -> Any:
        return self.post("execute/sync", {"script": source, "args": list(arguments)})

    def element(self, css: str) -> str:
        return self.post("element", {"using": "css selector", "value": css})[ELEMENT]

    def click(self, css: str) -> None:
        self.post(f"element/{self.element(css)}/click", {})

    def text(self, css: str) -> str:
        return self.get(f"element/{self.element(css)}/text")

    def type(self, css: str, text: str) -> None:
        element = self.element(css)
        self.post(f"element/{element}/clear", {})
        if text:
            self.post(f"element/{element}/value", {"text": text})

    def wait(self, condition: Callable[["Page"], bool], what: str, seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not condition(self):
            assert time.monotonic() < deadline, (f"{what}: not so after {seconds} s; the page says: "
                                                 f"{self.text('body')}")
            time.sleep(0.05)

    def emulate(self, command: str, **parameters: Any) -> None:
        self.post("goog/cdp/execute", {"cmd": command, "params": parameters})

    def scheme(self, name: str) -> None:
        self.emulate("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def resize(self, width: int, height: int) -> None:
        self.emulate("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=width < 600)

    def console(self) -> list[str]:
        return [entry["message"] for entry in self.post("se/log", {"type": "browser"})]

    def screenshot(self, path: Path) -> None:
        whole = self.post("goog/cdp/execute", {"cmd": "Page.captureScreenshot", "params": {"captureBeyondViewport": True}})
        path.write_bytes(base64.b64decode(whole["data"]))


@contextmanager
def chromium(scratch: Path) -> Iterator[Page]:
    port = free_port()
    with listening(["chromedriver", f"--port={port}"], scratch / "chromedriver.log", "127.0.0.1", port):
        options = {"args": [*QUIET, f"--user-data-dir={scratch / 'profile'}", "--window-size=1280,900"]}
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        base = f"http://127.0.0.1:{port}/session"
        page = Page(f"{base}/{_call(base, {'capabilities': capabilities})['sessionId']}")
        try:
            yield page
        finally:
            _call(page.session, method="DELETE")


def _call(url: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)["value"]
    except urllib.error.HTTPError as problem:
        with problem:
            raise AssertionError(f"WebDriver refused {url}: {problem.read().decode()[:500]}") from None
