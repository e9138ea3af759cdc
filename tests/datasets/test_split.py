from __future__ import annotations

import pickle

import pandas as pd

from dropnorm.datasets import SplitDataset


def test_the_preview_counts_and_lists_rows_of_each_part(tmp_path):
    parts = ["validation", "train", "train", "test", *["train"] * 6]
    split = pd.DataFrame(
        {"split": [0] * 10 + [1] * 10, "row": [*range(10)] * 2, "part": parts + parts[::-1]}
    )
    dataset = SplitDataset(filepath=str(tmp_path / "split.parquet"), save_args={"index": False})
    dataset.save(split)

    shown = dataset.preview()

    assert shown["columns"] == ["split", "part", "rows", "share", "which"]
    assert shown["data"] == [
        [0, "train", 8, "80 %", "1, 2, 4, 5, 6, …"],
        [0, "validation", 1, "10 %", "0"],
        [0, "test", 1, "10 %", "3"],
        [1, "train", 8, "80 %", "0, 1, 2, 3, 4, …"],
        [1, "validation", 1, "10 %", "9"],
        [1, "test", 1, "10 %", "6"],
    ]


def test_what_was_saved_is_read_back_only_when_nobody_holds_it_any_more(tmp_path):
    split = pd.DataFrame({"split": [0, 0], "row": [0, 1], "part": ["train", "validation"]})
    expected = split.copy()
    dataset = SplitDataset(filepath=str(tmp_path / "split.parquet"), save_args={"index": False})

    dataset.save(split)
    assert dataset.load() is split
    elsewhere = pickle.loads(pickle.dumps(dataset)).load()  # noqa: S301  # as ParallelRunner does
    del split
    read = dataset.load()

    pd.testing.assert_frame_equal(elsewhere, expected)
    pd.testing.assert_frame_equal(read, expected)
    assert dataset.load() is not read
