"""A real browser for tests: Debian's chromium, driven with mouse and keys through the DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

CHROMIUM = shutil.which("chromium")
PATIENCE_S = 30
KEYS = {"Enter": "\r", "Tab": "", "ArrowUp": "", "ArrowDown": ""}
"""The text that a named key types; every other key types itself."""


class Browser:
    """A window of chromium; a context manager.

    Args:
        folder: an empty folder for its profile and its downloads.
        size: width and height of the window, CSS pixels.
    """

    def __init__(self, folder: Path, size: tuple[int, int] = (1366, 768)) -> None:
        self.downloads = folder / "downloads"
        self.downloads.mkdir(parents=True)
        assert CHROMIUM
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
        self.process = subprocess.Popen(
            [CHROMIUM, *flags, f"--user-data-dir={folder / 'profile'}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=(folder / "stderr").open("w"),
        )
        self.loop = asyncio.new_event_loop()
        self.last_id = 0
        address = self.wait(lambda: re.search(r"ws://\S+", (folder / "stderr").read_text()))[0]
        self.whole = self._connect(address)
        self.send("Browser.setDownloadBehavior", self.whole, behavior="allow", downloadPath=str(self.downloads))
        port = re.search(r":(\d+)/", address)[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            pages = [target for target in json.load(answer) if target["type"] == "page"]
        self.page = self._connect(pages[0]["webSocketDebuggerUrl"])
        self.resize(*size)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()
        self.whole.close()
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.loop.close()

    def _connect(self, address: str) -> WebSocketClientConnection:
        async def connect() -> WebSocketClientConnection:
            return await websocket_connect(address, max_message_size=2**28)

        return self.loop.run_until_complete(connect())

    def send(self, method: str, to: WebSocketClientConnection | None = None, **arguments: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol; return its result."""
        self.last_id += 1
        connection, number = to or self.page, self.last_id

        async def ask() -> dict[str, Any]:
            await connection.write_message(json.dumps({"id": number, "method": method, "params": arguments}))
            while True:
                answer = json.loads(await connection.read_message())
                if answer.get("id") == number:
                    return answer

        answer = self.loop.run_until_complete(asyncio.wait_for(ask(), PATIENCE_S))
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def open(self, path: Path) -> None:
        """Open a file, as a double click does."""
        self.send("Page.navigate", url=path.resolve().as_uri())
        self.wait(lambda: self.ask("location.protocol + document.readyState") == "file:complete")

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, done: Callable[[], Any]) -> Any:
        """Wait until something is so; return it."""
        end = time.monotonic() + PATIENCE_S
        while not (result := done()):
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.02)
        return result

    def click(self, selector: str) -> None:
        """Click on the middle of an element, which must be there to be seen."""
        find = f"document.querySelector({json.dumps(selector)})"
        self.ask(f"{find}.scrollIntoView({{block: 'nearest'}})")
        box = self.ask(f"(({{x, y, width, height}}) => [x, y, width, height])({find}.getBoundingClientRect())")
        assert box[2] > 0 and box[3] > 0, f"{selector} can't be seen"
        place = {"x": box[0] + box[2] / 2, "y": box[1] + box[3] / 2, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, **place)

    def wheel(self, selector: str, pixels: float) -> None:
        """Turn the mouse wheel over an element."""
        find = f"document.querySelector({json.dumps(selector)})"
        x, y = self.ask(f"(({{x, y}}) => [x + 9, y + 9])({find}.getBoundingClientRect())")
        self.send("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=pixels)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        codes = {"Enter": 13, "Tab": 9, "ArrowUp": 38, "ArrowDown": 40}
        for key in keys:
            code = codes.get(key, ord(key.upper()[0]))
            names = {"key": key, "code": key if key in KEYS else "", "windowsVirtualKeyCode": code}
            text = KEYS.get(key, key)
            self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **names)
            self.send("Input.dispatchKeyEvent", type="keyUp", **names)

    def write(self, text: str) -> None:
        """Type a text where the focus is."""
        self.send("Input.insertText", text=text)

    def resize(self, width: int, height: int) -> None:
        """Give the page another size, CSS pixels."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path: Path) -> None:
        """Save what is seen as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def downloaded(self) -> Path:
        """The one file that was saved, when it is whole."""

        def whole() -> list[Path]:
            files = list(self.downloads.iterdir())
            return [] if any(file.suffix in (".crdownload", ".tmp", ".download") for file in files) else files

        (file,) = self.wait(whole)
        return file
