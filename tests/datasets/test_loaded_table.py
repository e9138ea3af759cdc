from __future__ import annotations

import pickle

import pandas as pd
import pytest
from kedro.io import DatasetError
from kedro.runner.parallel_runner import ParallelRunnerManager

from dropnorm.datasets.loaded_table import LoadedTableDataset, SharedTableDataset

TABLE = pd.DataFrame({"a": [1.0, 2.0]})


def test_a_table_is_not_copied_and_is_released_after_use():
    dataset = LoadedTableDataset(TABLE, uses=2)

    assert dataset.load() is TABLE
    assert dataset.load() is TABLE
    with pytest.raises(DatasetError, match="more nodes than expected"):
        dataset.load()


def test_a_loaded_table_is_not_written():
    with pytest.raises(DatasetError, match="never written"):
        LoadedTableDataset(TABLE, uses=1).save(TABLE)


def test_a_shared_table_is_in_the_manager_only():
    table = pd.DataFrame({"a": range(10_000)})
    with ParallelRunnerManager() as manager:
        dataset = SharedTableDataset(table)
        dataset.set_manager(manager)

        pd.testing.assert_frame_equal(dataset.load(), table)
        assert len(pickle.dumps(vars(dataset)["_table"])) < 100
