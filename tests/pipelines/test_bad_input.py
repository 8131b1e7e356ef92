"""A user's mistakes through the real scripts: one message, exit code 1, no traceback, nothing half-written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_study import SHAPE, box, finish, script, write_case, write_project

RAW = Path("raw")
Answer = Callable[..., str]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its params.yaml."""
    folder = tmp_path_factory.mktemp("template")
    write_project(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert script("compose", "study=small") == 0
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a project of its own."""
    shutil.copytree(template, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def refused(project: Path, capfd: pytest.CaptureFixture[str]) -> Answer:
    """Return a function that runs a script, expects it to refuse, and returns its message."""

    def run(name: str, *words: str) -> str:
        before = files()
        assert script(name, *words) == 1
        message = capfd.readouterr().err
        assert message.count("error: ") == 1 and "Traceback" not in message
        assert files() == before
        return message

    return run


def files() -> set[Path]:
    """All files of the working directory, and folders that are half-written, but for what a stage goes on with."""
    found = (path for path in Path().rglob("*") if path.is_file() or "partial" in path.name)
    return {path for path in found if "checkpoints" not in path.parts}


def cut(path: Path, part: float = 0.5) -> None:
    """Cut a file off."""
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])


def spotted(value: float, dtype: type = np.float32) -> np.ndarray:
    """Zeros with one voxel of another value."""
    array = np.zeros(SHAPE, dtype)
    array[1, 2, 3] = value
    return array


BAD_DATA: dict[str, tuple[Callable[[], object], str]] = {
    "missing root": (lambda: shutil.rmtree(RAW), "where to get the data: your own scans"),
    "empty root": (lambda: (shutil.rmtree(RAW), RAW.mkdir()), "nothing matches images/{case}.nii.gz"),
    "image without mask": (lambda: (RAW / "labels/c3.nii.gz").unlink(), "raw/images/c3.nii.gz. Expected masks at"),
    "mask without image": (lambda: (RAW / "images/c3.nii.gz").unlink(), "raw/labels/c3.nii.gz. Expected images at"),
    "two voxels apart": (lambda: write_case(RAW, "c3", mask=box((16, 17, 20))), "case c3: the image is (16, 17, 18)"),
    "apart in two axes": (lambda: write_case(RAW, "c3", mask=box((16, 18, 19))), "They must be equal"),
    "affines apart": (lambda: write_case(RAW, "c3", affine=np.diag([1, 1, 1.5, 1])), "lie up to 8.50 mm apart"),
    "image cut off": (lambda: cut(RAW / "images/c3.nii.gz"), "raw/images/c3.nii.gz: not a whole NIfTI file"),
    "mask cut off": (lambda: cut(RAW / "labels/c3.nii.gz"), "raw/labels/c3.nii.gz: not a whole NIfTI file"),
    "empty file": (lambda: cut(RAW / "images/c3.nii.gz", 0), "raw/images/c3.nii.gz: not a whole NIfTI file"),
    "NaN": (lambda: write_case(RAW, "c3", spotted(np.nan)), "images/c3.nii.gz: 1 of 4896 voxels are NaN or infinite"),
    "infinite": (lambda: write_case(RAW, "c3", spotted(-np.inf)), "images/c3.nii.gz: 1 of 4896 voxels are NaN"),
    "NaN in a mask": (lambda: write_case(RAW, "c3", mask=spotted(np.nan)), "labels/c3.nii.gz: 1 of 4896"),
    "colours": (lambda: write_case(RAW, "c3", np.zeros(SHAPE, [(c, "u1") for c in "RGB"])), "a number per voxel"),
    "undeclared label": (lambda: write_case(RAW, "c3", mask=spotted(7, np.uint8)), "the mask holds the values 7"),
    "empty mask": (lambda: write_case(RAW, "c3", mask=spotted(0, np.uint8)), "case c3: its mask is empty"),
    "too few patients": (lambda: [(RAW / k / f"c{n}.nii.gz").unlink() for k in ("images", "labels") for n in range(5)],
                         "3 patient(s) can't be split into a test set and 3 folds: at least 4"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", BAD_DATA)
def test_bad_data_is_refused(mistake: str, refused: Answer) -> None:
    spoil, message = BAD_DATA[mistake]
    spoil()
    assert message in refused("prepare")


def test_two_files_of_one_case_are_refused(refused: Answer) -> None:
    assert script("compose", "study=small", 'cohort.image="images/**/{case}.nii.gz"') == 0
    shutil.copytree(RAW / "images", RAW / "images/again")
    assert "two files have the case id 'c0': raw/images/again/c0.nii.gz and raw/images/c0.nii.gz" in refused("prepare")


def test_one_voxel_in_one_dimension_is_cropped_with_a_warning(project: Path) -> None:
    write_case(RAW, "c3", mask=box((16, 17, 19)))
    code, warning = finish(project, "prepare")
    assert code == 0
    assert warning.startswith("WARNING: case c3: the image is (16, 17, 18) voxels") and warning.count("\n") == 1
    assert "surplus" in json.loads(Path("out/small/prepared/profile.json").read_text())["warnings"][0]


def test_dropped_empty_masks_are_counted(refused: Answer) -> None:
    for case_id in ("c3", "c5"):
        write_case(RAW, case_id, mask=np.zeros(SHAPE, np.uint8))
    assert script("prepare", "prepare.empty_mask=drop") == 0
    overall = json.loads(Path("out/small/prepared/profile.json").read_text())["overall"]
    assert (overall["cases"], overall["dropped_for_empty_mask"]) == (6, 2)
    for index in range(8):
        write_case(RAW, f"c{index}", mask=np.zeros(SHAPE, np.uint8))
    assert "all 8 masks are empty" in refused("prepare", "prepare.empty_mask=drop")


def test_an_older_cohort_stays_when_a_case_is_bad(refused: Answer) -> None:
    assert script("prepare") == 0
    before = {path: path.read_bytes() for path in Path("out/small/prepared").rglob("*") if path.is_file()}
    cut(RAW / "images/c3.nii.gz")
    refused("prepare")
    assert before == {path: path.read_bytes() for path in Path("out/small/prepared").rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("study=smal", "(did you mean 'small'?)"),
        ("cohort=nifty_pairs", "did you mean 'nifti_pairs'"),
        ("trainer=tpu", "there are: auto, cpu, ddp, ddp_multinode, gpu"),
        ("prepare.spacing=2", "prepare has spacing_mm, crop"),
        ("+prepare.spacing=2", "prepare has no key 'spacing'"),
        ("+colour=red", "unknown top-level key 'colour'"),
        ("cohort.image={case}", "'cohort.image={case}' can't be read"),
        ("study.seed=abc", "study.seed: expected a whole number, but is 'abc'"),
        ("study.seed=-1", "study.seed: expected a number at least 0"),
        ("study.name=../elsewhere", "can't name a file"),
        ("prepare.shape=[32]", "prepare.shape [32] has 1 axes, but the cohort my_cohort is 3D"),
        ("prepare.shape=32", "prepare.shape: expected a list (a whole number each), but is 32"),
        ("prepare.folds=2.5", "prepare.folds: expected a whole number"),
        ("prepare.window.low=abc", "prepare.window: expected a group of keys (a number each) or null"),
        ("cohort.labels={lesion: one}", "NiftiPairs.labels: expected"),
        ("cohort.labels={lesion: 300}", "is not a whole number in 1..255"),
        ("cohort.channels=two", "NiftiPairs.channels: expected a whole number"),
        ("~cohort.labels", "NiftiPairs.labels is missing"),
        ("cohort._target_=synthtrial.Nowhere", "can't be imported"),
        ("generators.dcgan.train.images=-5", "train.images must be at least 1, not -5"),
        ("generators.dcgan.train.images=many", "generators.dcgan.train.images: expected a whole number"),
        ("generators.dcgan.train.patience=0", "train.patience must be at least 1, or null for never"),
        ("generator@generators.dcgan=dcgan_skin", "unknown generator@generators.dcgan 'dcgan_skin'; there are:"),
        ("~generators.dcgan.fits.cube", "generators.dcgan.fits.cube is missing"),
        ("generators.dcgan.fits.multiple_of=eight", "generators.dcgan.fits.multiple_of: expected a whole number"),
        ("generators.dcgan.fits.spatial_dims=[2]", "generators.dcgan makes 2D images, and this study has volumes"),
        ("segmenters.unet.train.steps=0", "train.steps is 0"),
        ("segmenters.unet.train.lr=high", "segmenters.unet.train.lr: expected a number"),
        ("+arms.both={synthetic: {stylegan: 1.0}}", "names the generator 'stylegan'; there are: dcgan"),
        ("+arms.both={synthetic: {dcgan: 9}}", "at most 1.5 are drawn. Lower the arm's ratio, or draw more: "),
        ("+arms.both={synthetic: {dcgan: 9}}", "synthetic: {dcgan: 9}}' synthesis.per_real=6 && dvc repro`"),
        ("+draws.dcgan={generator: other}", "draws.dcgan.generator is 'other'; there are: dcgan"),
        ("+arms.both={augmented: 1.0}", "prepare.augment is null and makes none: choose prepare=ct_augmented"),
        ("+arms.both={pretrain: 0.5}", "trains on synthetic cases first and on real ones then: give the arm both"),
        ("+arms.both={duplicated: -1}", "duplicated is -1; it is a number of copies per real case"),
        ("protocol=site_out", "set prepare.split_by=site prepare.test_fraction=0 prepare.folds=<number of sites>"),
        ("prepare.test_fraction=0", "split by patient, a trial needs test cases (0.2 "),
        ("arms.real.real=2", "it is a share of the real cases, 0 to 1"),
        ("arms=null", "arms: expected a group of keys"),
        ("protocol.reference=reel", "protocol.reference: unknown 'reel'; there are: real"),
        ("protocol.alpha=0", "protocol.alpha: expected a number from 0.0001 to 0.5, but is 0"),
        ("protocol.metric=dice/liver", "there are: dice, dice/lesion"),
        ("runtime.workers=all", "runtime.workers: expected a whole number or null"),
        ("trainer.precision=8", "trainer.precision: expected one of auto, 32-true"),
        (
            "tracking=sqlite tracking.artifacts=null",
            "tracking.artifacts is null, but only a tracking server keeps them",
        ),
    ],
)
def test_a_wrong_word_is_refused_when_composing(word: str, message: str, refused: Answer) -> None:
    before = Path("params.yaml").read_bytes()
    study = [] if word.startswith("study=") else ["study=small"]
    assert message in refused("compose", *study, *(word.split() if word.startswith("tracking") else [word]))
    assert Path("params.yaml").read_bytes() == before


def test_a_size_that_a_family_can_not_make_is_refused_with_those_that_it_can(refused: Answer) -> None:
    words = ("study=small", "generator@generators.dcgan=hagan", "prepare.shape=[300,16,16]")
    assert "can't make 300x16x16 voxels: it makes 32, 64, 128, 256 per axis" in refused("compose", *words)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text + "\nmore: [1, 2\n", 'conf/study/small.yaml", line'),
        (lambda text: text.replace("'off'", "off"), "Unsupported item value in defaults"),
        (lambda text: text.replace("nifti_pairs", "nifty_pairs"), "Could not find 'cohort/nifty_pairs'"),
        (lambda text: "", "study: expected a group of keys"),
    ],
    ids=["open bracket", "off is no text", "unknown cohort", "empty"],
)
def test_a_broken_study_file_is_refused(change: Callable[[str], str], message: str, refused: Answer) -> None:
    path = Path("conf/study/small.yaml")
    path.write_text(change(path.read_text()))
    assert message in refused("compose", "study=small")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["study.sed=1"], "did you mean 'seed'"),
        (["study.seed"], "write key=value"),
        (["study.seed=["], "'study.seed=[' can't be read as YAML"),
        (["study.seed=abc"], "study.seed: expected a whole number"),
        (["study=demo"], "study is a group of keys (name, title, seed); set one of them"),
        (["prepare.shape=[16]"], "prepare.shape [16] has 1 axes"),
        (["prepare.margin_mm=wide"], "prepare.margin_mm: expected a number"),
        (["prepare.folds=20"], "8 patient(s) can't be split"),
    ],
)
def test_a_wrong_word_is_refused_by_a_stage(words: list[str], message: str, refused: Answer) -> None:
    assert message in refused("prepare", *words)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text + "\nmore: [1, 2\n", "can't be read; write it again with `python pipelines/compose.py"),
        (lambda text: text[: text.index("\nsynthesis:")], "synthesis: expected a group of keys"),
        (lambda text: text[:50], "was not written by pipelines/compose.py"),
        (lambda text: text.replace("seed: 1", "seed: ${nowhere}"), "Interpolation key 'nowhere' not found"),
        (lambda text: "\n".join(text.splitlines()[:4]) + "\n- a\n- b\n", "not a mapping"),
    ],
    ids=["open bracket", "cut off", "cut off in the header", "interpolation", "list"],
)
def test_a_broken_params_file_is_refused(spoil: Callable[[str], str], message: str, refused: Answer) -> None:
    path = Path("params.yaml")
    path.write_text(spoil(path.read_text()))
    assert message in refused("prepare")


def test_a_stale_params_file_says_how_to_compose_it_again(project: Path) -> None:
    with Path("conf/study/small.yaml").open("a") as study:
        study.write("# changed\n")
    code, message = finish(project, "prepare")
    assert code == 1
    assert (
        message
        == "error: params.yaml is older than conf/: write it again with `python pipelines/compose.py study=small`\n"
    )


def test_a_mistake_met_by_a_worker_process_is_one_message(project: Path) -> None:
    cut(RAW / "images/c3.nii.gz")
    code, message = finish(project, "prepare", "runtime.workers=2")
    assert code == 1
    assert message.startswith("error: raw/images/c3.nii.gz: not a whole NIfTI file") and message.count("\n") == 1
    assert not list(Path("out").rglob("*prepared*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train_gan", "stylegan"], "no generator 'stylegan'; there are: dcgan"),
        (["train_gan", "dcgan", "--split", "all"], "no split 'all'; there are: development"),
        (["train_gan", "dcgan", "--until", "half"], "--until must be a whole number of at least 1, not 'half'"),
        (["fidelity", "dcgan", "--json", "one.json"], "--json goes with --metrics"),
        (["segment", "reel"], "no arm 'reel'; there are: real, mixed"),
        (["segment", "real", "--segmenter", "vnet"], "no segmenter 'vnet'; there are: unet"),
        (["describe", "stylegan"], "unknown generator 'stylegan'; there are: catgan, "),
    ],
)
def test_a_place_that_the_study_lacks_is_refused(words: list[str], message: str, refused: Answer) -> None:
    assert message in refused(*words)


def test_a_stage_before_the_one_it_needs_says_which_to_run(refused: Answer) -> None:
    stages = (["train_gan", "dcgan"], ["synthesize", "dcgan"], ["fidelity", "dcgan"], ["assemble"], ["segment", "real"])
    for stage in (*stages, ["report"]):
        assert "run `dvc repro` (or pipelines/prepare.py) first" in refused(*stage)
    assert script("prepare") == 0
    assert "run pipelines/train_gan.py first" in refused("synthesize", "dcgan")
    assert "pipelines/synthesize.py) first" in refused("fidelity", "dcgan")
    assert "pipelines/synthesize.py) first" in refused("assemble")
    assert "pipelines/assemble.py) first" in refused("segment", "real")
    assert "which stage `train_gan` writes" in refused("report")


def test_a_generator_that_can_not_be_trained_says_why(refused: Answer) -> None:
    assert script("prepare") == 0
    for word, message in {
        "train.batch_size=100": "train.batch_size=100 is larger than 'development', which has 6 cases",
        "latent=0": "latent=0 must be at least 1",
        "lr_g=-1": "a learning rate above 0",
        "loss=wasserstine": "there are: non_saturating",
        "generator.width=wide": "generator.width: expected a whole number",
        "augment.mirror_axes=[3]": "no spatial axis 3",
        "classes=[benign,malignant]": "DCGAN learns one class, or all alike",
        "classes=benign": "classes: expected a list (text each) or null, but is 'benign'",
        "start_from=3": "start_from: expected text or null, but is 3",
        "classes=[benign]": "classes[0] is 'benign', but no training case has that",
        "start_from=nowhere": "start_from: there is no trained generator in nowhere",
        "image_size=[8,8,8]": "can't hold a case of 16x16x16",
    }.items():
        assert message in refused("train_gan", "dcgan", f"generators.dcgan.{word}")


def test_a_segmenter_that_can_not_be_trained_says_why(refused: Answer) -> None:
    assert script("compose", "study=small", "~arms.mixed") == 0
    assert script("prepare") == script("assemble") == 0
    for word, message in {
        "train.patch_shape=[32,32,32]": "does not fit into the prepared shape [16, 16, 16]",
        "train.augmentation.flip_axes=[3]": "there is no axis 3; there are 0 to 2",
        "train.augmentation.noise=-1": "train.augmentation.noise is -1; it must be from 0",
        "network.channels=[4]": "the network monai.networks.nets.UNet can't be built",
        "network.strides=[3]": "UNet can't work on 16x16x16 voxels",
    }.items():
        assert message in refused("segment", "real", f"segmenters.unet.{word}")


def test_more_synthetic_cases_than_were_drawn_are_refused(refused: Answer) -> None:
    assert script("prepare") == script("train_gan", "dcgan") == script("synthesize", "dcgan") == 0
    message = refused("assemble", "arms.mixed.synthetic.dcgan=4")
    assert "asks for 16 synthetic cases of 'dcgan' (4 per real one, 4 real in fold 0)" in message
    assert "has 6 accepted of 6 drawn" in message
    assert "draw more: `python pipelines/compose.py study=small synthesis.per_real=2.67 && dvc repro`" in message


def splits() -> dict:
    """The split of the prepared cohort."""
    return json.loads(Path("out/small/prepared/splits.json").read_text())


def test_a_test_set_without_lesions_is_refused_before_anything_trains(refused: Answer) -> None:
    assert script("compose", "study=small", "~arms.mixed") == script("prepare") == 0
    for case_id in splits()["test"]:
        write_case(RAW, case_id, mask=np.zeros(SHAPE, np.uint8))
    assert script("prepare", "prepare.empty_mask=keep") == 0
    for stage in (["train_gan", "dcgan"], ["assemble"]):
        assert "no reference mask of the test set has a lesion (2 cases, such as c" in refused(*stage)


@pytest.mark.parametrize("part", ["test", "folds"])
def test_one_patient_in_two_parts_is_refused_before_anything_trains(part: str, refused: Answer) -> None:
    assert script("compose", "study=small", "~arms.mixed") == script("prepare") == 0
    changed = splits()
    stranger = changed["folds"][0][0]
    (changed["test"] if part == "test" else changed["folds"][1]).append(stranger)
    Path("out/small/prepared/splits.json").write_text(json.dumps(changed))
    first, second = ("the test set", "fold 0") if part == "test" else ("fold 0", "fold 1")
    for stage in (["train_gan", "dcgan"], ["assemble"]):
        assert f"1 patient(s) are both in {first} and in {second}: {stranger}" in refused(*stage)


def test_a_manifest_whose_checkpoint_is_not_the_model_s_is_refused(refused: Answer) -> None:
    assert script("prepare") == script("train_gan", "dcgan") == script("synthesize", "dcgan") == 0
    assert script("train_gan", "dcgan", "study.seed=2") == 0
    message = refused("assemble")
    assert "manifest.csv: case dcgan-development-00000 was drawn from other weights" in message
    assert "draw the cohort again (pipelines/synthesize.py)" in message


@pytest.mark.parametrize("protocol", ["holdout", "nested"])
def test_a_study_whose_protocol_the_guard_forbids_is_refused(protocol: str, refused: Answer) -> None:
    """A generator of a clean study may not start from one that was pooled over all cases."""
    assert script("compose", "study=small", "protocol=pooled") == 0
    assert script("prepare") == script("train_gan", "dcgan", "--split", "all") == 0
    start = "generators.dcgan.start_from=out/small/models/dcgan/all"
    assert script("compose", "study=small", f"protocol={protocol}", f"+{start}") == 0
    split = "development" if protocol == "holdout" else "fold0"
    message = refused("train_gan", "dcgan", "--split", split)
    assert "start_from out/small/models/dcgan/all: " in message and "judged case(s) were seen in training: c" in message
    assert f"Under the protocol {protocol!r} none may be" in message


def test_a_cohort_of_one_site_leaves_none_out(refused: Answer) -> None:
    words = ("protocol=site_out", "prepare.split_by=site", "prepare.test_fraction=0", "prepare.folds=3")
    assert script("compose", "study=small", *words) == 0
    assert "prepare.split_by is site, but all 8 cases are of one site" in refused("prepare")


def test_a_gpu_that_is_not_there_is_told(refused: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    # Nothing has been prepared: it is told before anything is read.
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    for words in (("train_gan", "dcgan"), ("synthesize", "dcgan"), ("segment", "real")):
        assert "accelerator is gpu, but torch finds none here" in refused(*words, "trainer.accelerator=gpu")


def test_more_gpus_than_there_are_are_told(refused: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    for owner, name in ((torch.accelerator, "is_available"), (torch.cuda, "is_available")):
        monkeypatch.setattr(owner, name, lambda: True)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 1)
    for words in (("train_gan", "dcgan"), ("synthesize", "dcgan"), ("segment", "real")):
        message = refused(*words, "trainer.accelerator=gpu", "trainer.devices=4")
        assert "trainer.devices is 4, but torch finds 1 GPU here; set trainer.devices=1 or fewer" in message


def test_processes_that_do_not_fit_are_told(refused: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "trainer.nodes=2: start the stage on every node by srun or torchrun" in refused(
        "train_gan", "dcgan", "trainer.nodes=2"
    )
    with monkeypatch.context() as slurm:
        for name, value in {"STEP_NUM_TASKS": "4", "NTASKS_PER_NODE": "4", "PROCID": "0", "LOCALID": "0"}.items():
            slurm.setenv(f"SLURM_{name}", value)
        message = refused("segment", "real", "trainer.devices=2")
        assert "srun started 4 processes, 4 per node, but trainer.devices=2 on trainer.nodes=1" in message
        assert "call srun with --nodes=1 --ntasks-per-node=2" in message
    assert script("prepare") == 0
    message = refused("train_gan", "dcgan", "trainer.devices=3")
    assert "train.batch_size=4 must be a multiple of the training's 3 processes" in message
    message = refused("segment", "real", "trainer.devices=2", "runtime.fold_workers=2")
    assert "runtime.fold_workers is 2, but each model is trained by 2 processes" in message
