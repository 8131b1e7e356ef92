"""Where MLflow is, how to enter it, and whether it answers."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from synthtrial.errors import ConfigError
from synthtrial.secrets import masked

PATIENCE_S = 5
"""How long the first answer of a server may take, s."""

DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def tracking_uri(settings: Mapping[str, Any]) -> str:
    """MLflow's URI: `tracking.uri`, or else the environment variable MLFLOW_TRACKING_URI.

    User and password of a server's URI move to MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, where MLflow
    looks for them, so that no address that is printed holds them.

    Raises:
        ConfigError: when neither says where to write.
    """
    uri = settings["uri"] or os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri:
        raise ConfigError(
            "tracking.uri is null, and the environment variable MLFLOW_TRACKING_URI is not set: set one of them, "
            "such as MLFLOW_TRACKING_URI=http://host:5000, or compose with tracking=sqlite"
        )
    return without_credentials(uri) if is_http(uri) else absolute_sqlite(uri)


def without_credentials(uri: str) -> str:
    """A server's URI without user and password, which go into MLflow's environment variables."""
    parts = urlsplit(uri)
    entrance, at, host = parts.netloc.rpartition("@")
    if at:
        user, _, password = entrance.partition(":")
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(user)
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(password)
    return urlunsplit(parts._replace(netloc=host))


def is_http(uri: str) -> bool:
    """Whether a URI is that of a tracking server, not of a database or a folder."""
    return uri.startswith(("http://", "https://"))


def absolute_sqlite(uri: str) -> str:
    """Give a relative `sqlite:///file` URI the working directory, as MLflow's workers need it."""
    name = uri.removeprefix("sqlite:///")
    return f"sqlite:///{Path(name).resolve()}" if name != uri and not name.startswith("/") else uri


def check_answers(uri: str) -> None:
    """Ask a server, or the host of a database, for a first answer; files always have one.

    MLflow itself would ask again for minutes.

    Raises:
        ConfigError: when there is none within some seconds, or the server lets nobody in.
    """
    if is_http(uri):
        check_server(uri)
    elif (scheme := uri.partition(":")[0].partition("+")[0]) in DATABASE_PORTS:
        parts = urlsplit(uri)
        host, port = parts.hostname or "localhost", parts.port or DATABASE_PORTS[scheme]
        try:
            socket.create_connection((host, port), timeout=PATIENCE_S).close()
        except OSError as error:
            raise ConfigError(no_answer(f"the database {masked(uri)}", error)) from None


def check_server(uri: str) -> None:
    """Raise a ConfigError unless an MLflow server answers and lets us in."""
    import mlflow

    with one_try():
        try:
            mlflow.MlflowClient(tracking_uri=uri).search_experiments(max_results=1)
        except mlflow.MlflowException as error:
            if error.get_http_status_code() in (401, 403):
                raise ConfigError(
                    f"the tracking server {uri} lets us not in: set MLFLOW_TRACKING_USERNAME and "
                    "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
                ) from None
            raise ConfigError(no_answer(f"the tracking server {uri}", error)) from None


def no_answer(who: str, error: Exception) -> str:
    """One sentence about a server that can't be used."""
    text = str(error)
    words = {"refused": "connection refused", "timed out": f"no word within {PATIENCE_S} s", "resolve": "unknown host"}
    reason = next((short for word, short in words.items() if word in text), masked(" ".join(text.split()))[:200])
    return f"{who} does not answer as it should ({reason}): start it, mend tracking.uri, or compose with tracking=off"


@contextmanager
def one_try() -> Iterator[None]:
    """Let MLflow ask a server once and shortly, where it else asks eight times over minutes."""
    shortly = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": str(PATIENCE_S)}
    before = {name: os.environ.get(name) for name in shortly}
    os.environ.update(shortly)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
