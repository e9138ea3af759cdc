from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DataCatalog, DatasetError
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from conftest import read_study, read_table
from dropnorm.data.preprocessing import make_inputs
from dropnorm.data.splits import assign_parts
from dropnorm.data.transformers import make_preprocessor
from dropnorm.data.validation import check_table
from dropnorm.datasets import SkopsDataset
from dropnorm.pipelines.preparation.nodes import fit_preprocessors
from dropnorm.study.preprocessing import Impute, Preprocessing, RareCategories

ENTRY = {"type": "dropnorm.datasets.SkopsDataset", "versioned": True}


class Touches:
    """Object that writes a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that creates a file when it is imported."""
    marker = tmp_path / "imported"
    (tmp_path / "someone.py").write_text(
        f"open({str(marker)!r}, 'w').close()\n"
        "class Transformer:\n    scale = 2\n"
        "def double(x):\n    return 2 * x\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield marker
    sys.modules.pop("someone", None)


def saved_by_someone(what, module, path):
    """Save an object of the module, and remove the module from sys.modules."""
    import skops.io  # noqa: PLC0415  # imports PyTorch where it is installed

    someone = importlib.import_module("someone")
    skops.io.dump(what(someone), path)
    del sys.modules["someone"]
    module.unlink()


def assert_same_after_saving(preprocessors, rows, study, folder):
    entries = {"preprocessors": {**ENTRY, "filepath": str(folder / "preprocessors.skops")}}
    DataCatalog.from_config(entries, save_version="1").save("preprocessors", preprocessors)

    loaded = DataCatalog.from_config(entries).load("preprocessors")

    assert list(loaded) == list(preprocessors)
    for number, preprocessor in preprocessors.items():
        np.testing.assert_array_equal(
            make_inputs(rows, loaded[number], study), make_inputs(rows, preprocessor, study)
        )
        assert loaded[number]["target"] == preprocessor["target"]


@pytest.mark.parametrize("scale", ["none", "standardize", "log1p"])
@pytest.mark.parametrize("missing", ["drop", "impute"])
def test_saved_and_loaded_preprocessors_give_the_same_inputs(tmp_path, scale, missing):
    study = read_study(
        "spotify",
        replicas={"splits": 2, "starts": 1},
        target={"column": "track_popularity", "scale": scale},
        missing=missing,
        preprocessing__impute={"indicator": missing == "impute"},
    )
    rows = check_table(read_table("spotify", "data/sample/01_raw"), study)
    fitted = fit_preprocessors(rows, assign_parts(rows, study), study)
    one, other = (make_inputs(rows, preprocessor, study) for preprocessor in fitted.values())
    assert (one != other).any()

    assert_same_after_saving(fitted, rows, study, tmp_path)


texts = st.text(st.characters(codec="utf-8"), max_size=4)


@given(
    values=st.lists(st.floats(0, 1e6), min_size=3, max_size=8, unique=True),
    categories=st.lists(texts, min_size=3, max_size=8),
    others=st.lists(texts, min_size=1, max_size=3),
    fill=st.sampled_from(["median", "mean", "most_frequent", 3.5]),
)
@settings(max_examples=8)
def test_every_kind_of_preprocessing_can_be_saved_and_loaded(
    tmp_path_factory, values, categories, others, fill
):
    size = min(len(values), len(categories))
    scalers = ("standard_scale", "min_max_scale", "robust_scale", "quantile_scale", "passthrough")
    numbers = [f"{scaler}_{log}" for scaler in scalers for log in ("plain", "log1p")]
    table = pd.DataFrame(dict.fromkeys(numbers, values[:size]))
    table.loc[0, numbers[::3]] = np.nan
    table = table.assign(
        genre=categories[:size], size=(["small", "large"] * size)[:size], key=categories[:size]
    )
    preprocessing = Preprocessing(
        **{scaler: (f"{scaler}_plain", f"{scaler}_log1p") for scaler in scalers},
        log1p=tuple(numbers[1::2]),
        one_hot=("genre",),
        ordinal=("size", "key"),
        order={"size": ("small", "large")},
        rare_categories=RareCategories(min_count=2),
        impute=Impute(numbers=fill, indicator=True),
    )
    fitted = make_preprocessor(preprocessing, size, impute=True).fit(table)
    dataset = SkopsDataset(filepath=str(tmp_path_factory.mktemp("any") / "preprocessors.skops"))

    dataset.save(fitted)
    loaded = dataset.load()

    new = table.loc[np.zeros(len(others), dtype=int)].assign(genre=others, key=others)
    for rows in (table, new):
        np.testing.assert_array_equal(loaded.transform(rows), fitted.transform(rows))


@pytest.mark.parametrize(
    "what",
    [
        lambda someone: someone.Transformer(),
        lambda someone: {0: FunctionTransformer(someone.double)},
        lambda someone: [StandardScaler(), someone.Transformer],
    ],
    ids=["object", "function", "class"],
)
def test_a_file_with_a_foreign_type_is_refused_without_importing_it(tmp_path, module, what):
    import skops.io  # noqa: PLC0415  # imports PyTorch where it is installed

    path = tmp_path / "preprocessors.skops"
    saved_by_someone(what, module, path)

    with pytest.raises(DatasetError, match=r"types that are not trusted: someone\.") as refusal:
        SkopsDataset(filepath=str(path)).load()

    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "someone" not in sys.modules
    assert not module.exists()
    # Loading the file as trusted would run the code.
    skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    assert module.exists()


def test_a_pickle_is_refused_and_not_run(tmp_path):
    path, marker = tmp_path / "preprocessors.skops", tmp_path / "marker"
    path.write_bytes(pickle.dumps(Touches(marker)))

    with pytest.raises(DatasetError, match="not a zip file"):
        SkopsDataset(filepath=str(path)).load()

    assert not marker.exists()
    pickle.loads(path.read_bytes())  # noqa: S301  # what a dataset of pickles would have done
    assert marker.exists()


def test_a_truncated_file_is_refused(tmp_path):
    dataset = SkopsDataset(filepath=str(tmp_path / "preprocessors.skops"))
    dataset.save(StandardScaler().fit([[1.0], [2.0]]))
    path = Path(dataset._filepath)
    path.write_bytes(path.read_bytes()[:-10])

    with pytest.raises(DatasetError):
        dataset.load()


def test_objects_that_cannot_be_saved_keep_the_earlier_file(tmp_path):
    dataset = SkopsDataset(filepath=str(tmp_path / "preprocessors.skops"))
    dataset.save(StandardScaler(with_mean=False))

    with pytest.raises(DatasetError):
        dataset.save({"generator": (number for number in [1])})

    assert [path.name for path in tmp_path.iterdir()] == ["preprocessors.skops"]
    assert dataset.load().with_mean is False


SAVES = """
import sys
from sklearn.preprocessing import StandardScaler
from dropnorm.datasets import SkopsDataset, skops
dataset = SkopsDataset(filepath=sys.argv[1])
dataset.save(StandardScaler())
print(sorted({"torch", "dask", "pytest"} & set(sys.modules)), type(dataset.load()).__name__)
"""


def test_saving_imports_no_package_that_no_preprocessor_needs(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SAVES, str(tmp_path / "scaler.skops")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout == "[] StandardScaler\n"
