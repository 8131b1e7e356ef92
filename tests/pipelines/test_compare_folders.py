"""Two plain folders through the real script: a table on the screen, a JSON, and one message for a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_study import REPOSITORY, finish, script

from fidelity.image_folders import write_pictures, write_volumes

QUICK = ("--repeats", "3", "--pairs", "5")


@pytest.fixture(autouse=True)
def in_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


def test_two_folders_of_pictures(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folders = [f"--{name}={write_pictures(tmp_path / name, seed=len(name))}" for name in ("real", "synthetic")]
    assert (
        script("fidelity", *folders, "--json", str(tmp_path / "new/result.json"), *QUICK, "--window", "0", "200") == 0
    )
    content = json.loads((tmp_path / "new/result.json").read_text())
    table = capfd.readouterr().out
    for name in content["metrics"]:
        assert f"\n{name.partition('/')[0]} " in table
    assert "12 images in" in table and "8-bit grey pictures, 16 x 18 pixels" in table
    assert content["window"] == [0, 200]
    assert {"frechet/random_conv_n6", "ms_ssim/pixels_n12", "copies/pixels_n12"} <= set(content["metrics"])


def test_two_folders_of_volumes_with_an_extractor_of_a_yaml_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folders = [f"--{name}={write_volumes(tmp_path / name, seed=len(name))}" for name in ("real", "synthetic")]
    features = ("--features", "conf/fidelity/features/random_conv.yaml", "--no-copies")
    assert script("fidelity", *folders, *features, *QUICK) == 0
    table = capfd.readouterr().out
    assert "frechet_pair" in table and "volume_ml" in table and "copies " not in table


def test_a_mistake_is_one_message(tmp_path: Path) -> None:
    real = write_pictures(tmp_path / "real")
    (tmp_path / "empty").mkdir()
    code, message = finish(REPOSITORY, "fidelity", f"--real={real}", f"--synthetic={tmp_path / 'empty'}")
    assert code == 1
    assert message == (
        f"error: no image in {tmp_path / 'empty'} (it is empty): expected files that end in .png, .jpg, .jpeg, .nii, "
        ".nii.gz\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give --real DIR and --synthetic DIR"),
        (("--synthetic=elsewhere",), "elsewhere does not exist"),
        (("--synthetic=elsewhere", "--json=."), "--json . is a folder"),
        (("--synthetic=elsewhere", "--features=nothing.yaml"), "--features nothing.yaml can't be read as YAML"),
    ],
)
def test_wrong_words_are_refused(
    words: tuple[str, ...], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert script("fidelity", f"--real={write_pictures(tmp_path / 'real')}", *words) == 1
    assert message in capfd.readouterr().err
