from __future__ import annotations

import json
import pickle
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import read_study
from dropnorm.data.preprocessing import Part, SplitInputs
from dropnorm.study.variants import Variant
from dropnorm.training import cache, parallel
from dropnorm.training.backend import threads_of
from dropnorm.training.execution import MEMORY, Execution, forget_beyond
from dropnorm.training.trainer import train_replica

pytestmark = pytest.mark.training


def an_input(split=0, shift=0.0):
    chance = np.random.default_rng(split)
    x = chance.normal(size=(40, 3)).astype(np.float32)
    y = x[:, 0] + np.float32(shift)
    parts = (np.arange(30), np.arange(30, 40))
    return SplitInputs(split, *(Part(rows, x[rows], y[rows]) for rows in parts))


def a_study(**changes):
    small = {"network__hidden": [6], "training__epochs": 2, "training__batch_size": 16}
    return read_study("concrete", **{**small, **changes})


class Touches:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def pickled(file, sentinel):
    file.write_bytes(pickle.dumps(Touches(sentinel)))


def cut_short(file, _):
    file.write_bytes(file.read_bytes()[:-100])


def emptied(file, _):
    file.write_bytes(b"")


def changed(file, _):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv(MEMORY, str(tmp_path / "memory"))
    return tmp_path / "memory"


@pytest.fixture
def trained(monkeypatch):
    """Which trainings were run, not recalled: split and start of each."""
    run, train = [], cache.train_replica

    def note(study, variant, inputs, start, on_epoch):
        run.append((inputs.split, start))
        return train(study, variant, inputs, start, on_epoch)

    monkeypatch.setattr(cache, "train_replica", note)
    return run


def go(study, wanted, variant=Variant.BASELINE):
    told = []
    found = parallel.train_replicas(
        study, variant, wanted, lambda *row: told.append(row), Execution.from_environment()
    )
    return found, told


@pytest.mark.parametrize(
    ("replicas", "told"), [(1, "the one replica is"), (2, "1 of 2 replicas is")]
)
def test_one_known_replica_is_told_in_the_singular(kept, trained, caplog, replicas, told):
    caplog.set_level("INFO", "dropnorm")
    go(a_study(), [(an_input(), 0)])
    go(a_study(), [(an_input(), start) for start in range(replicas)])

    assert f"Concrete · baseline: {told} known from earlier runs" in caplog.text


def test_a_second_run_trains_only_the_replicas_that_are_missing_and_says_so(kept, trained, caplog):
    caplog.set_level("INFO", "dropnorm")
    first, _ = go(a_study(), [(an_input(), 0), (an_input(), 1)])
    again, told = go(a_study(), [(an_input(), 0), (an_input(), 1), (an_input(1), 0)])

    assert trained == [(0, 0), (0, 1), (1, 0)]
    assert "Concrete · baseline: 2 of 3 replicas are known from earlier runs" in caplog.text
    for one, other in zip(first, again, strict=False):
        np.testing.assert_array_equal(one.history.to_numpy(), other.history.to_numpy())
        np.testing.assert_array_equal(one.outputs, other.outputs)
        for mine, theirs in zip(one.weights, other.weights, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    ends = {place: row["epoch"] for place, row in told}
    assert ends == {0: 2, 1: 2, 2: 2}  # so that a bar comes to its end


@pytest.mark.parametrize(
    "changed",
    [
        {"training__epochs": 3}, {"training__seed": 1}, {"network__hidden": [7]},
        {"training__learning_rate": 0.02}, {"training__loss": "mse"},
    ],
)  # fmt: skip
def test_a_changed_study_trains_again(kept, trained, changed):
    go(a_study(), [(an_input(), 0)])
    go(a_study(**changed), [(an_input(), 0)])

    assert len(trained) == 2


def test_a_changed_table_variant_engine_or_version_trains_again(kept, trained, monkeypatch):
    wanted = [(an_input(), 0)]
    go(a_study(), wanted)
    go(a_study(), [(an_input(shift=1e-6), 0)])
    go(a_study(), wanted, Variant.DROPOUT)
    monkeypatch.setattr(cache, "_version", lambda name: "0.0")
    go(a_study(), wanted)

    assert len(trained) == 4


def test_what_was_trained_on_one_engine_or_number_of_threads_is_not_known_on_another(
    kept, trained, monkeypatch
):
    go(a_study(), [(an_input(), 0)])
    known, usual = (Variant.BASELINE, an_input(), 0), threads_of(a_study())

    assert cache.recall(a_study(), *known, kept)
    assert cache.recall(a_study(training__threads=usual), *known, kept)  # as without saying so
    assert not cache.recall(a_study(training__threads=usual + 1), *known, kept)
    another = "jax" if cache.engine_name() == "tensorflow" else "tensorflow"
    monkeypatch.setattr(cache, "engine_name", lambda: another)
    assert not cache.recall(a_study(), *known, kept)


def test_an_interrupted_run_goes_on_where_it_was(kept, trained):
    wanted = [(an_input(), start) for start in range(3)]

    def interrupt(place, row):
        if place == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parallel.train_replicas(a_study(), Variant.BASELINE, wanted, interrupt, Execution(kept))
    go(a_study(), wanted)

    assert trained == [(0, 0), (0, 1), (0, 1), (0, 2)]


def test_what_does_not_bear_on_the_numbers_trains_nothing(kept, trained):
    go(a_study(), [(an_input(), 0)])
    go(a_study(title="Another name", margin=3.0, replicas__starts=9), [(an_input(), 0)])

    assert trained == [(0, 0)]


def test_the_switch_turns_it_off(kept, trained, monkeypatch):
    monkeypatch.setenv(MEMORY, "off")
    go(a_study(), [(an_input(), 0)])
    go(a_study(), [(an_input(), 0)])

    assert trained == [(0, 0), (0, 0)]
    assert not kept.exists()


def test_its_size_is_bounded(kept, trained):
    go(a_study(), [(an_input(), 0)])
    forget_beyond(10**9, kept)
    assert cache.recall(a_study(), Variant.BASELINE, an_input(), 0, kept)

    forget_beyond(0, kept)

    assert not cache.recall(a_study(), Variant.BASELINE, an_input(), 0, kept)


def test_what_is_kept_are_arrays_and_not_pickles(kept):
    go(a_study(), [(an_input(), 0)])

    (file,) = kept.rglob("output.pkl")
    with np.load(file, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)


def rewritten(**changes):
    """Change arrays of a training by name: a name with no value is dropped."""

    def spoil(file, _):
        with np.load(file) as kept:
            arrays = {name: kept[name] for name in kept.files}
        for name, change in changes.items():
            name = name.replace("__", "/")  # noqa: PLW2901
            arrays[name] = change(arrays.get(name))
        arrays = {name: array for name, array in arrays.items() if array is not None}
        with file.open("wb") as written:
            np.savez(written, **arrays)

    return spoil


def with_epochs(columns, epochs):
    """Change the number of epochs of a history, in all of its columns."""
    names = ("epoch", "loss", "val_loss", *columns)

    def change(name):
        def padded(array):
            more = np.arange(1, epochs + 1) if name == "epoch" else np.full(epochs, np.nan)
            more = more.astype(array.dtype)
            more[: len(array)] = array[:epochs]
            return more

        return padded

    return rewritten(
        **{f"history__column__{name}": change(name) for name in names},
        chosen_epoch__value=lambda _: np.asarray(epochs),
    )


def a_folder(file, _):
    file.unlink()
    file.mkdir()


def encrypted(file, _):
    content = bytearray(file.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := content.find(signature, at + 1)) >= 0:
            content[at + place] |= 1
    file.write_bytes(content)


def a_bomb(file, _):
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("more.npy", b"0" * 300_000_000)


def huge(file, _):
    with file.open("r+b") as written:
        written.truncate(10**12)


def without_an_array(file, _):
    with zipfile.ZipFile(file) as archive:
        members = {one.filename: archive.read(one) for one in archive.infolist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, b"no array" if name.startswith("outputs") else content)


SPOILT = {
    "pickled": pickled, "cut short": cut_short, "emptied": emptied, "changed": changed,
    "a folder": a_folder, "encrypted": encrypted, "a bomb": a_bomb, "huge": huge,
    "no array": without_an_array,
    "other weights": rewritten(weights__entry__0=lambda array: array[:, :-1]),
    "wider weights": rewritten(weights__entry__0=lambda array: array.astype(np.float64)),
    "no weights": rewritten(weights__entry__3=lambda _: None),
    "more weights": rewritten(weights__entry__4=lambda _: np.zeros(1, np.float32)),
    "fewer rows": rewritten(outputs__value=lambda array: array[:-1]),
    "outputs of another type": rewritten(outputs__value=lambda array: array.astype(np.float32)),
    "text": rewritten(outputs__value=lambda array: array.astype(str)),
    "no outputs": rewritten(outputs__value=lambda _: None),
    "fewer epochs": with_epochs((), 1),
    "more epochs, of nan": with_epochs((), 5),
    "columns of two lengths": rewritten(history__column__loss=lambda array: array[:1]),
    "no val_loss": rewritten(history__column__val_loss=lambda _: None),
    "nan that did not diverge": rewritten(history__column__loss=lambda array: array * np.nan),
    "diverged without nan": rewritten(diverged_at_epoch__value=lambda _: np.asarray(1)),
    "another chosen epoch": rewritten(chosen_epoch__value=lambda _: np.asarray(1)),
    "steps that nobody took": rewritten(
        first_steps__column__step=lambda _: np.arange(1, 3),
        first_steps__column__loss=lambda _: np.ones(2),
    ),
    "no seconds": rewritten(fit_seconds__value=lambda _: None),
}  # fmt: skip


@pytest.fixture(scope="module")
def once_trained():
    """A training, and what it leaves, for all ways to spoil it."""
    study, inputs = a_study(), an_input()
    return study, inputs, train_replica(study, Variant.BASELINE, inputs, 0)


def told_of(caplog):
    return [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_memory_that_is_spoilt_runs_no_code_is_told_once_and_replaced(
    kept, once_trained, tmp_path, caplog, monkeypatch, spoil
):
    study, inputs, trained = once_trained
    known = study, Variant.BASELINE, inputs, 0
    cache.remember(*known, trained, kept)
    (file,) = kept.rglob("output.pkl")
    spoil(file, tmp_path / "sentinel")
    runs = []
    monkeypatch.setattr(cache, "train_replica", lambda *_: runs.append(1) or trained)

    tracemalloc.start()
    found = cache.recall_or_train(*known, lambda _: None, kept)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert runs == [1]
    assert found is trained
    assert most < 20_000_000
    (told,) = told_of(caplog)
    assert told.startswith(f"{file}: is not a training as it was kept (")
    assert "\n" not in told
    assert not (tmp_path / "sentinel").exists()
    again = cache.recall_or_train(*known, lambda _: None, kept)
    assert runs == [1]  # the new one is known
    assert len(told_of(caplog)) == 1
    np.testing.assert_array_equal(again.history.to_numpy(), trained.history.to_numpy())


def test_a_run_trains_what_is_spoilt_again_and_gives_the_same_numbers(kept, trained, caplog):
    (first,), _ = go(a_study(), [(an_input(), 0)])
    (file,) = kept.rglob("output.pkl")
    cut_short(file, None)

    (second,), _ = go(a_study(), [(an_input(), 0)])

    assert trained == [(0, 0), (0, 0)]
    assert len(told_of(caplog)) == 1
    np.testing.assert_array_equal(first.history.to_numpy(), second.history.to_numpy())


@pytest.mark.parametrize(
    "changes",
    [
        {"training__learning_rate": 1e30, "training__epochs": 4},
        {"training__learning_rate": 1e30, "training__epochs": 4,
         "training__stop_when_diverged": True},
        {"training__early_stopping": {"patience": 1, "rows": "validation"},
         "training__epochs": 30},
        {"training__early_stopping": {"patience": 1}, "training__epochs": 30},
        {"training__metrics": ["mse"]},
        {"network__batchnorm__placement": "before_activation"},
    ],
)  # fmt: skip
def test_whatever_a_training_leaves_is_known_as_it_was(kept, changes):
    study = a_study(**changes)
    inputs = replace(an_input(), choosing=np.arange(30) % 5 == 0).as_seen_by(study.training)
    for variant in Variant:
        trained = cache.recall_or_train(study, variant, inputs, 0, lambda _: None, kept)
        known = cache.recall(study, variant, inputs, 0, kept)
        assert known is not None
        assert (known.chosen_epoch, known.diverged_at_epoch) == (
            trained.chosen_epoch, trained.diverged_at_epoch,
        )  # fmt: skip
        pd.testing.assert_frame_equal(known.history, trained.history)
        pd.testing.assert_frame_equal(known.first_steps, trained.first_steps)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TF_ENABLE_ONEDNN_OPTS", "0"), ("TF_DETERMINISTIC_OPS", "1"), ("XLA_FLAGS", "--xla_x=1"),
        ("NVIDIA_TF32_OVERRIDE", "0"),
    ],
)  # fmt: skip
def test_a_switch_of_the_engine_trains_again(kept, once_trained, monkeypatch, name, value):
    study, inputs, trained = once_trained
    known = study, Variant.BASELINE, inputs, 0
    monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    cache.remember(*known, trained, kept)
    assert cache.recall(*known, kept)

    monkeypatch.setenv(name, value)

    assert not cache.recall(*known, kept)


def test_another_type_or_epsilon_of_keras_trains_again(kept, once_trained, monkeypatch, tmp_path):
    study, inputs, trained = once_trained
    known = study, Variant.BASELINE, inputs, 0
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cache.remember(*known, trained, kept)
    for changed in ({"floatx": "float64"}, {"epsilon": 1e-5}):
        (tmp_path / "keras.json").write_text(json.dumps(changed))
        assert not cache.recall(*known, kept)
    (tmp_path / "keras.json").write_text("{}")
    assert cache.recall(*known, kept)
