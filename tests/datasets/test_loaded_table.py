from __future__ import annotations

import pickle

import pandas as pd
import pytest
from kedro.io import DatasetError
from kedro.runner.parallel_runner import ParallelRunnerManager

from dropnorm.datasets.loaded_table import LoadedTableDataset, SharedTableDataset

TABLE = pd.DataFrame({"a": [1.0, 2.0]})


def test_a_table_is_given_out_as_it_is_and_held_no_longer_than_it_is_needed():
    dataset = LoadedTableDataset(TABLE, uses=2)

    assert dataset.load() is TABLE
    assert dataset.load() is TABLE
    with pytest.raises(DatasetError, match="has taken it"):
        dataset.load()


def test_a_table_is_not_written():
    with pytest.raises(DatasetError, match="never written"):
        LoadedTableDataset(TABLE, uses=1).save(TABLE)


def test_a_shared_table_is_in_the_manager_and_not_in_what_is_sent_to_workers():
    table = pd.DataFrame({"a": range(10_000)})
    with ParallelRunnerManager() as manager:
        dataset = SharedTableDataset(table)
        dataset.set_manager(manager)

        pd.testing.assert_frame_equal(dataset.load(), table)
        assert len(pickle.dumps(vars(dataset)["_table"])) < 100
