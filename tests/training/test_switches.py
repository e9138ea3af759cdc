from __future__ import annotations

import json
import platform

import pytest

from dropnorm.training import switches
from dropnorm.training.switches import switches_of


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """No switch is set, and Keras has no file of its own."""
    for name in {*switches._VARIABLES, *sum(switches._OF_ENGINE.values(), ())}:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


def test_only_what_is_set_is_told_and_of_onednn_always_whether_it_is_on(monkeypatch):
    assert switches_of("jax").variables == {}
    assert switches_of("tensorflow").variables == {"TF_ENABLE_ONEDNN_OPTS": "default"}
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    monkeypatch.setenv("JAX_ENABLE_X64", "1")
    assert switches_of("jax").variables == {
        "JAX_ENABLE_X64": "1", "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
    }  # fmt: skip
    assert "JAX_ENABLE_X64" not in switches_of("tensorflow").variables


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("0", "off"),
        ("false", "off"),
        ("1", "on"),
        ("TRUE", "on"),
        ("", "default"),
        ("2", "default"),
    ],
)
def test_onednn_is_told_as_tensorflow_reads_it(monkeypatch, written, means):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", written)

    assert switches_of("tensorflow").variables["TF_ENABLE_ONEDNN_OPTS"] == means


def test_the_type_and_epsilon_are_those_of_keras_own_file(bare):
    assert (switches_of().floatx, switches_of().epsilon) == ("float32", 1e-7)
    (bare / "keras.json").write_text('{"floatx": "float64", "epsilon": 1e-5}')
    assert (switches_of().floatx, switches_of().epsilon) == ("float64", 1e-5)
    (bare / "keras.json").write_text("[1")
    assert switches_of().floatx == "float32"


def test_processor_and_device_are_told_and_all_of_it_is_json(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(switches, "_DRIVERS", (str(tmp_path),))
    seen = switches_of()
    assert seen.device.startswith("gpu")
    assert seen.cpu.startswith(platform.machine())
    assert json.loads(json.dumps(seen.described())) == seen.described()

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert switches_of().device == "cpu"
