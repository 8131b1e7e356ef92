"""Files of weights: given, downloaded from a server that runs here, altered, broken, hostile."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.features.download import cache_folder, download
from synthtrial.fidelity.features.frozen_network import read_network, read_state
from synthtrial.fidelity.features.weights import ChosenWeights, PublishedWeights

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder; of `broken.pth` it announces more than it sends."""

    def log_message(self, *arguments: object) -> None:
        pass

    def send_head(self):
        if self.path != "/broken.pth":
            return super().send_head()
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) + 1))
        self.end_headers()
        return (Path(self.directory) / "net.pth").open("rb")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a server of `net.pth`; the cache lies in the test's own folder."""
    monkeypatch.setenv("SYNTHTRIAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "net.pth").write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder)) as running:
        threading.Thread(target=running.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def published(address: str, file: str = "net.pth") -> PublishedWeights:
    return PublishedWeights("The net", file, f"{address}/{file}", SHA256)


def test_a_download_is_kept_and_needs_no_network_again(server: str, tmp_path: Path) -> None:
    file = ChosenWeights(published(server), path=None, may_download=True, sha256=SHA256).file()
    assert file == tmp_path / "cache" / "net.pth"
    assert file.read_bytes() == CONTENT
    (tmp_path / "published" / "net.pth").unlink()
    assert ChosenWeights(published(server), path=None, may_download=True, sha256=SHA256).file() == file


def test_choosing_a_download_fetches_nothing_yet(server: str) -> None:
    ChosenWeights(published(server), path=None, may_download=True, sha256=SHA256)
    assert not cache_folder().exists()


@pytest.mark.parametrize(
    ("file", "sha256", "message"),
    [
        ("net.pth", "0" * 64, f"net.pth is not the expected file: its sha256 is {SHA256}, not 000"),
        ("none.pth", SHA256, "can't download .*none.pth .*404"),
        ("broken.pth", None, "broke off after 10240 of 10241 bytes"),
    ],
)
def test_a_failed_download_leaves_nothing(server: str, file: str, sha256: str | None, message: str) -> None:
    with pytest.raises(SynthtrialError, match=message):
        download(f"{server}/{file}", cache_folder() / file, sha256)
    assert not any(path.is_file() for path in cache_folder().rglob("*"))


def test_without_a_network_there_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(SynthtrialError, match="can't download http://127.0.0.1:9/net.pth .*set `weights` to its path"):
        download("http://127.0.0.1:9/net.pth", tmp_path / "net.pth", None)


def test_without_weights_the_message_names_file_address_and_keys() -> None:
    with pytest.raises(ConfigError, match="net.pth from http://a/net.pth and set `weights` .* `download: true`"):
        ChosenWeights(published("http://a"), path=None, may_download=False, sha256=SHA256)


def test_a_path_is_not_replaced_by_a_download(server: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file of weights .*mine.pth"):
        ChosenWeights(published(server), path=str(tmp_path / "mine.pth"), may_download=True, sha256=SHA256)


def test_own_weights_are_taken_only_on_purpose_and_told_by_the_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.pth"
    path.write_bytes(b"others")
    own = hashlib.sha256(b"others").hexdigest()
    given = partial(ChosenWeights, published("http://a"), str(path), False)
    with pytest.raises(ConfigError, match=f"its sha256 is {own}"):
        given(SHA256).file()
    assert given(None).file() == given(own).file() == given(own[:8]).file() == path
    names = [given(sha256).name_of("net") for sha256 in (SHA256, SHA256[:8], own, None)]
    assert names == ["net", "net", f"net_{own[:8]}", "net_unchecked"]


@pytest.mark.parametrize("sha256", ["", "abc", "G" * 64, "0" * 65])
def test_a_checksum_that_is_none_is_refused(sha256: str) -> None:
    with pytest.raises(ConfigError, match="expected 8 to 64 of the digits"):
        ChosenWeights(published("http://a"), None, True, sha256)


class Hostile:
    """An object that, unpickled without care, makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    torch.save({"state_dict": Hostile(tmp_path / "made")}, tmp_path / "hostile.pth")
    with pytest.raises(ConfigError, match="hostile.pth is neither safetensors nor a state dict"):
        read_state(tmp_path / "hostile.pth")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
@pytest.mark.parametrize("content", [b"", b"no weights", CONTENT])
def test_a_broken_file_is_one_message(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=name):
        read_state(tmp_path / name)


def test_a_file_without_tensors_by_name_is_refused(tmp_path: Path) -> None:
    for content in (torch.zeros(2), {"epoch": 3}):
        torch.save(content, tmp_path / "net.pth")
        with pytest.raises(ConfigError, match="holds no state dict"):
            read_state(tmp_path / "net.pth")


def small_network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def test_weights_come_through_both_kinds_of_file_and_both_layouts(tmp_path: Path) -> None:
    network = small_network()
    state = network.state_dict()
    old = {f"module.{key}": value for key, value in state.items() if "num_batches" not in key}
    torch.save({"epoch": 3, "state_dict": old}, tmp_path / "checkpoint.pth")
    save_file(state, tmp_path / "plain.safetensors")
    inputs = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 2))).float()
    for name in ("checkpoint.pth", "plain.safetensors"):
        read = read_network(small_network, tmp_path / name, "cpu")
        assert torch.equal(read(inputs), network.eval()(inputs))
        assert not read.training
        assert not any(parameter.requires_grad for parameter in read.parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"0.bias": None}, "lacks 0.bias"),
        ({"2.bias": torch.zeros(3)}, "has 2.bias, which is unknown"),
        ({"0.weight": torch.zeros(5, 2)}, r"has 0.weight of shape \(5, 2\), not \(3, 2\)"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path: Path, change: dict, message: str) -> None:
    state = small_network().state_dict() | change
    torch.save({key: value for key, value in state.items() if value is not None}, tmp_path / "net.pth")
    with pytest.raises(ConfigError, match=f"holds another network: it {message}"):
        read_network(small_network, tmp_path / "net.pth", "cpu")


def test_naming_the_extractors_loads_no_torch() -> None:
    modules = ", ".join(f"synthtrial.fidelity.features.{name}" for name in ("medicalnet", "inception", "lpips"))
    script = f"import sys, {modules}; print({{'torch', 'monai'}} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "set()"
