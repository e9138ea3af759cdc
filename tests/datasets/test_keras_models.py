from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from kedro.io import DataCatalog, DatasetError

from conftest import read_study
from dropnorm.datasets import KerasModelsDataset, keras_models
from dropnorm.study.variants import Variant
from dropnorm.training.backend import load_keras
from dropnorm.training.networks import build_network, plan_layers

X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def a_network(variant="dropout_batchnorm", start=0):
    """Return a network with two hidden layers, whose weights and statistics are not initial."""
    network = read_study("concrete", network={"hidden": [4, 3], "activation": "relu"}).network
    seed = np.random.SeedSequence(7, spawn_key=(0, start))
    model = build_network(plan_layers(network, Variant(variant)), 3, seed)
    chance = np.random.default_rng(start)
    model.set_weights([chance.uniform(0.5, 1.5, w.shape) for w in model.get_weights()])
    return model


def predictions(model):
    return load_keras().ops.convert_to_numpy(model(X, training=False))


@pytest.fixture(scope="module")
def models():
    return {
        "split_0-start_0": a_network(),
        "split_0-start_1": a_network("baseline", start=1),
        "rate_0.1": a_network("dropout", start=2),
    }


def entries(folder):
    return {
        "models": {
            "type": "dropnorm.datasets.KerasModelsDataset",
            "filepath": str(folder / "dropout"),
            "versioned": True,
        }
    }


def test_saved_and_loaded_networks_predict_exactly_the_same(tmp_path, models):
    DataCatalog.from_config(entries(tmp_path), save_version="1").save("models", models)

    loaded = DataCatalog.from_config(entries(tmp_path)).load("models")

    assert set(loaded) == set(models)
    for name, model in models.items():
        np.testing.assert_array_equal(predictions(loaded[name]), predictions(model))
        assert [x.name for x in loaded[name].layers] == [x.name for x in model.layers]
    assert len({predictions(model).tobytes() for model in loaded.values()}) == len(models)


def test_each_network_has_a_file_in_the_version_folder(tmp_path, models):
    DataCatalog.from_config(entries(tmp_path), save_version="1").save("models", models)

    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    networks = {f"dropout/1/dropout/{name}.keras" for name in models}
    assert files == networks | {"dropout/1/dropout/layers.json"}


def test_what_a_run_keeps_is_not_read_back_until_no_node_asks_for_it(tmp_path, models, monkeypatch):
    dataset = KerasModelsDataset(filepath=str(tmp_path / "dropout"))
    dataset.keep_what_is_saved()
    dataset.save(models)

    assert all(dataset.load()[name] is model for name, model in models.items())
    dataset.release()
    assert all(dataset.load()[name] is not model for name, model in models.items())

    monkeypatch.setattr(keras_models, "_KEPT", 10)
    large = KerasModelsDataset(filepath=str(tmp_path / "large"))
    large.keep_what_is_saved()
    large.save(models)
    assert all(large.load()[name] is not model for name, model in models.items())


def test_other_files_in_the_folder_are_ignored(tmp_path, models):
    dataset = KerasModelsDataset(filepath=str(tmp_path / "dropout"))
    dataset.save({"one": models["split_0-start_0"]})
    (tmp_path / "dropout" / "notes.txt").write_text("mine")

    assert set(dataset.load()) == {"one"}


def test_layers_and_their_parameters_are_previewed_with_their_sum(tmp_path):
    dataset = KerasModelsDataset(filepath=str(tmp_path / "both"))
    networks = {f"start_{start}": a_network(start=start) for start in range(2)}
    dataset.save(networks)

    shown = dataset.preview()

    assert shown["columns"] == ["layer", "units", "parameters", "trainable", "type"]
    assert ["hidden_1", "4", 16, 16, "Dense"] in shown["data"]
    assert ["batchnorm_2", "3", 12, 6, "BatchNormalization"] in shown["data"]
    *layers, last = shown["data"]
    model = networks["start_0"]
    assert [row[0] for row in layers] == [layer.name for layer in model.layers]
    trainable = sum(int(np.prod(one.shape)) for one in model.trainable_variables)
    assert last == ["sum, each of 2 networks", "", model.count_params(), trainable, ""]


def test_if_one_network_cannot_be_saved_none_are(tmp_path, models):
    dataset = KerasModelsDataset(filepath=str(tmp_path / "deep" / "dropout"))

    with pytest.raises(DatasetError):
        dataset.save({"good": models["split_0-start_0"], "bad": object()})

    assert list((tmp_path / "deep").iterdir()) == []


def test_a_network_with_code_is_refused_without_running_it(tmp_path, models):
    keras = load_keras()
    marker = tmp_path / "marker"
    path = str(marker)
    touch = keras.layers.Lambda(lambda x: (open(path, "w").close(), x)[1])
    carrier = keras.Sequential([keras.Input((3,)), touch])
    dataset = KerasModelsDataset(filepath=str(tmp_path / "dropout"))
    dataset.save({"good": models["split_0-start_0"], "other": carrier})
    # Loading the file without safe mode would run the code.
    marker.unlink()
    keras.saving.load_model(tmp_path / "dropout" / "other.keras", safe_mode=False)
    assert marker.exists()
    marker.unlink()

    with pytest.raises(DatasetError, match=r"other\.keras: is not a network .* saved") as refused:
        dataset.load()

    assert not marker.exists()
    assert "safe_mode" not in str(refused.value)  # Keras advises to turn it off
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("module", "name", "registered"),
    [
        ("os", "system", None),
        ("builtins", "eval", None),
        ("builtins", "exec", "builtins"),
        ("touches", "Touches", "Custom>Touches"),
        ("keras", "Lambda", None),
        ("keras.src.utils", "get_file", None),
        ("subprocess", "Popen", None),
    ],
)
def test_a_network_with_foreign_layers_is_refused_without_running_code(
    tmp_path, models, monkeypatch, module, name, registered
):
    """Write a network file that names another class in place of Dense."""
    marker = tmp_path / "marker"
    (tmp_path / "touches.py").write_text(f"open({str(marker)!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    dataset = KerasModelsDataset(filepath=str(tmp_path / "dropout"))
    dataset.save({"good": models["split_0-start_0"], "other": models["split_0-start_1"]})
    file = tmp_path / "dropout" / "other.keras"
    with zipfile.ZipFile(file) as archive:
        parts = {entry: archive.read(entry) for entry in archive.namelist()}
    config = json.loads(parts["config.json"])
    layer = config["config"]["layers"][1]
    layer |= {"module": module, "class_name": name, "registered_name": registered}
    layer["config"] = {"command": f"touch '{marker}'", "args": ["touch", str(marker)], "name": "x"}
    with zipfile.ZipFile(file, "w") as archive:
        for entry, content in {**parts, "config.json": json.dumps(config)}.items():
            archive.writestr(entry, content)

    with pytest.raises(DatasetError, match=r"other\.keras: is not a network"):
        dataset.load()

    assert not marker.exists()
    assert "touches" not in sys.modules


def test_a_file_that_is_not_a_network_is_refused(tmp_path, models):
    dataset = KerasModelsDataset(filepath=str(tmp_path / "dropout"))
    dataset.save({"good": models["split_0-start_0"], "spoiled": models["split_0-start_1"]})
    (tmp_path / "dropout" / "spoiled.keras").write_bytes(b"nothing")

    with pytest.raises(DatasetError, match=r"spoiled\.keras"):
        dataset.load()


def test_creating_datasets_imports_no_engine_or_other_heavy_package(tmp_path):
    script = f"""
import sys
import dropnorm.datasets
from kedro.io import DataCatalog
names = {{name: {{"type": f"dropnorm.datasets.{{name}}", "filepath": {str(tmp_path / "x.png")!r}}}
         for name in dropnorm.datasets.__all__}}
names["DownloadedCSVDataset"] |= {{"url": "http://127.0.0.1/x", "sha256": "0"}}
names["ResultDataset"] |= {{"of": "VariantMetrics"}}
catalog = DataCatalog.from_config(names)
print([catalog.exists(name) for name in names])
heavy = {{"keras", "tensorflow", "jax", "torch", "sklearn", "skops", "matplotlib", "pooch"}}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )

    assert done.stdout.splitlines()[-2:] == [str([False] * 8), "[]"]
