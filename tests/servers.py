"""Real servers on free ports of this machine, and their end whatever happens."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

PATIENCE_S = 300  # a busy machine takes long to import MLflow in the server and again in its worker
DATABASE_PASSWORD = "open-sesame"


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def running(command: list[str], log: Path, ready: Callable[[], bool], **settings) -> Iterator[subprocess.Popen]:
    """Run a server in a session of its own until the block ends; then nothing of the session is left."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True, **settings)
    try:
        until = time.monotonic() + PATIENCE_S
        while not ready():
            assert process.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield process
    finally:
        for end in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, end)
                process.wait(timeout=10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass


def answers(address: str) -> bool:
    """Whether a page is there."""
    try:
        return urllib.request.urlopen(address, timeout=2).status == 200
    except OSError:
        return False


@contextmanager
def mlflow_server(folder: Path, database: str) -> Iterator[str]:
    """A real MLflow server with an artifact store in a folder; yields its URI."""
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "store")]
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    environment |= {"MLFLOW_BACKEND_STORE_URI": database, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with running(command, folder / "server.log", partial(answers, f"{uri}/health"), cwd=folder, env=environment):
        yield uri


@contextmanager
def postgresql() -> Iterator[str]:
    """A real PostgreSQL with password authentication; yields the URI of its database."""
    user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to be run by root
    become = ["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups"] if user else []
    folder = Path(tempfile.mkdtemp(prefix="synthtrial-postgresql-"))  # pytest's own folders are closed to other users
    try:
        password = folder / "password"
        password.write_text(DATABASE_PASSWORD)
        if user:
            for path in (folder, password):
                shutil.chown(path, user)
        data, port = folder / "data", free_port()
        initdb = [*become, "initdb", "-D", data, "-U", "trial", "--auth=scram-sha-256", f"--pwfile={password}"]
        subprocess.run([*initdb, "--no-sync"], check=True, capture_output=True, timeout=120, cwd=folder)

        def ready() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        command = [*become, "postgres", "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", str(folder)]
        with running(command, folder / "postgres.log", ready, cwd=folder):
            yield f"postgresql://trial:{DATABASE_PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
