"""Pictures: colours as declared, and one message for what is no picture."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthtrial.cohorts.pictures import check_colour, decode_picture, load_marks, load_picture
from synthtrial.errors import CohortError, ConfigError

RAMP = np.linspace(0, 255, 48 * 40).reshape(48, 40).astype(np.uint8)


def coloured(part: float = 1.0) -> np.ndarray:
    """`(rows, columns, 3)`, of whose rows a part is red."""
    picture = np.repeat(RAMP[..., None], 3, axis=2)
    picture[: round(part * len(picture))] = (220, 20, 20)
    return picture


def saved(path: Path, values: np.ndarray, **options) -> Path:
    Image.fromarray(values).save(path, **options)
    return path


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "bmp"])
def test_a_grey_scan_stored_with_three_channels_is_grey(tmp_path: Path, ending: str) -> None:
    values = load_picture(saved(tmp_path / f"a.{ending}", coloured(0)), "grey", "refuse")
    assert values.shape == (1, 48, 40) and np.abs(values[0] - RAMP).max() <= 3


def test_a_small_coloured_mark_does_not_make_a_scan_coloured(tmp_path: Path) -> None:
    marked = coloured(0)
    marked[2, 3:9] = (255, 0, 0)
    assert load_picture(saved(tmp_path / "a.png", marked), "grey", "refuse").shape == (1, 48, 40)


def test_a_coloured_picture_is_refused_as_grey_or_becomes_its_luminance(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", coloured())
    with pytest.raises(
        CohortError, match=r"a.png: a coloured picture \(100% of its pixels\), but cohort.colour is grey"
    ):
        load_picture(path, "grey", "refuse")
    assert load_picture(path, "grey", "convert") == pytest.approx(0.299 * 220 + 0.701 * 20, abs=1)


@pytest.mark.parametrize("mode", ["L", "1", "I;16", "LA"])
def test_a_grey_picture_is_refused_as_rgb_or_gets_three_channels(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    picture = Image.fromarray(RAMP.astype(np.uint16)) if mode == "I;16" else Image.fromarray(RAMP).convert(mode)
    picture.save(path)
    with pytest.raises(CohortError, match="a.png: a grey picture, but cohort.colour is RGB"):
        load_picture(path, "RGB", "refuse")
    converted = load_picture(path, "RGB", "convert")
    np.testing.assert_array_equal(converted, np.repeat(load_picture(path, "grey"), 3, axis=0))


def test_16_bits_are_not_cut_to_8_on_the_way_to_rgb(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", RAMP.astype(np.uint16) * 257)
    assert load_picture(path, "RGB", "convert").max(axis=(1, 2)).tolist() == [65535] * 3


def test_a_palette_is_coloured_by_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(coloured()).quantize(8).save(path)
    assert load_picture(path, "RGB", "refuse").shape == (3, 48, 40)
    with pytest.raises(CohortError, match="a coloured picture"):
        load_picture(path, "grey", "refuse")


@pytest.mark.parametrize(
    "content", [b"", b"not a picture at all\n", b"\xff\xd8\xff\xe0" + bytes(40), b"BM" + bytes(60)]
)
def test_files_that_are_no_pictures(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(CohortError, match="a.jpg: not a whole picture"):
        load_picture(path, "grey", "refuse")


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "bmp"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_pictures_cut_off_anywhere(tmp_path: Path, ending: str, part: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (50, 50)).astype(np.uint8)
    path = saved(tmp_path / f"a.{ending}", noise)
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    with pytest.raises(CohortError, match=f"a.{ending}: not a whole picture"):
        load_picture(path, "grey", "refuse")


def test_bytes_are_decoded_as_a_file_is(tmp_path: Path) -> None:
    buffer = BytesIO()
    Image.fromarray(coloured()).save(buffer, "JPEG")
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    decoded = decode_picture(buffer.getvalue(), "archive:a", "RGB", "refuse")
    np.testing.assert_array_equal(decoded, load_picture(tmp_path / "a.jpg", "RGB", "refuse"))
    with pytest.raises(CohortError, match="archive:a: not a whole picture"):
        decode_picture(buffer.getvalue()[:200], "archive:a", "RGB", "refuse")


def test_marks_may_be_of_any_one_colour(tmp_path: Path) -> None:
    marks = np.zeros((48, 40, 3), np.uint8)
    marks[:5] = (255, 0, 0)
    assert load_marks(saved(tmp_path / "a.png", marks)).sum() == 5 * 40


def test_unknown_words() -> None:
    for words, key in ((("gray",), "cohort.colour"), (("grey", "ignore"), "cohort.other_colours")):
        with pytest.raises(ConfigError, match=key):
            check_colour(*words)
