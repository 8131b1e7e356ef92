"""The words of a stage's command line."""

from __future__ import annotations

import pytest

from synthtrial.command_line import stage_words


@pytest.mark.parametrize(
    "words", ["real --segmenter unet a=1 b=2", "real a=1 b=2 --segmenter unet", "real a=1 --segmenter unet b=2"]
)
def test_settings_may_stand_before_and_after_options(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["segment.py", *words.split()])
    assert stage_words("", "arm", "segmenter") == ({"arm": "real", "segmenter": "unet"}, ["a=1", "b=2"])
