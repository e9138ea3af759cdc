from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from conftest import read_study
from dropnorm import memory, replicas
from dropnorm.preprocessing import Part, SplitInputs
from dropnorm.study import Variant

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
    monkeypatch.setenv(memory.VARIABLE, str(tmp_path / "memory"))
    return tmp_path / "memory"


@pytest.fixture
def trained(monkeypatch):
    """Which trainings were run, not recalled: split and start of each."""
    run, train = [], memory.train_replica

    def note(study, variant, inputs, start, on_epoch):
        run.append((inputs.split, start))
        return train(study, variant, inputs, start, on_epoch)

    monkeypatch.setattr(memory, "train_replica", note)
    return run


def go(study, wanted, variant=Variant.BASELINE):
    told = []
    found = replicas.train_replicas(study, variant, wanted, lambda *row: told.append(row))
    return found, told


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
    monkeypatch.setattr(memory.importlib.metadata, "version", lambda name: "0.0")
    go(a_study(), wanted)

    assert len(trained) == 4


def test_what_was_trained_on_one_engine_or_number_of_threads_is_not_known_on_another(
    kept, trained, monkeypatch
):
    go(a_study(), [(an_input(), 0)])
    known = Variant.BASELINE, an_input(), 0

    assert memory.is_remembered(a_study(), *known)
    assert memory.is_remembered(a_study(training__threads=1), *known)  # as without saying so
    assert not memory.is_remembered(a_study(training__threads=2), *known)
    monkeypatch.setattr(memory, "engine_name", lambda: "jax")
    assert not memory.is_remembered(a_study(), *known)


def test_an_interrupted_run_goes_on_where_it_was(kept, trained):
    wanted = [(an_input(), start) for start in range(3)]

    def interrupt(place, row):
        if place == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replicas.train_replicas(a_study(), Variant.BASELINE, wanted, interrupt)
    go(a_study(), wanted)

    assert trained == [(0, 0), (0, 1), (0, 1), (0, 2)]


def test_what_does_not_bear_on_the_numbers_trains_nothing(kept, trained):
    go(a_study(), [(an_input(), 0)])
    go(a_study(title="Another name", margin=3.0, replicas__starts=9), [(an_input(), 0)])

    assert trained == [(0, 0)]


def test_the_switch_turns_it_off(kept, trained, monkeypatch):
    monkeypatch.setenv(memory.VARIABLE, "off")
    go(a_study(), [(an_input(), 0)])
    go(a_study(), [(an_input(), 0)])

    assert trained == [(0, 0), (0, 0)]
    assert not kept.exists()


def test_its_size_is_bounded(kept, trained):
    go(a_study(), [(an_input(), 0)])
    memory.forget_beyond(10**9)
    assert memory.is_remembered(a_study(), Variant.BASELINE, an_input(), 0)

    memory.forget_beyond(0)

    assert not memory.is_remembered(a_study(), Variant.BASELINE, an_input(), 0)


def test_what_is_kept_are_arrays_and_not_pickles(kept):
    go(a_study(), [(an_input(), 0)])

    (file,) = kept.rglob("output.pkl")
    with np.load(file, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)


@pytest.mark.parametrize("spoil", [pickled, cut_short, emptied, changed])
def test_a_memory_that_is_spoilt_runs_no_code_and_is_trained_anew(kept, trained, tmp_path, spoil):
    (first,), _ = go(a_study(), [(an_input(), 0)])
    (file,) = kept.rglob("output.pkl")
    spoil(file, tmp_path / "sentinel")

    (second,), _ = go(a_study(), [(an_input(), 0)])

    assert trained == [(0, 0), (0, 0)]
    assert not (tmp_path / "sentinel").exists()
    np.testing.assert_array_equal(first.history.to_numpy(), second.history.to_numpy())
    go(a_study(), [(an_input(), 0)])
    assert len(trained) == 2  # the new one is known
