from __future__ import annotations

from dataclasses import replace

import pytest

from dropnorm.data.reading.formats import TableFormat
from dropnorm.datasets.new_rows import read_new_rows
from dropnorm.errors import BadInputError
from dropnorm.evaluation.records import RunRecord, TableRead
from dropnorm.study.preprocessing import Preprocessing


def test_missing_fields_of_new_rows_are_logged(tmp_path, caplog):
    file = tmp_path / "new.csv"
    file.write_text("a,b,c\n1,2,3\n4,5\n")
    run = RunRecord(table=TableRead(format=TableFormat().model_dump(mode="json")))

    table = read_new_rows(file, "new.csv", run, Preprocessing(passthrough=["a", "c"]), None)

    assert table["a"].tolist() == [1, 4]
    assert table["c"].isna().tolist() == [False, True]
    assert "new.csv: 1 row has fewer fields than the header" in caplog.text
    assert "line 3" in caplog.text


def test_columns_recorded_as_whole_refuse_possible_thousands(tmp_path):
    file = tmp_path / "new.csv"
    file.write_text("a,b\n1.303,2.125\n4,5\n")
    preprocessing = Preprocessing(passthrough=["a", "b"])
    table = TableRead(format=TableFormat().model_dump(mode="json"))

    old = read_new_rows(file, "new.csv", RunRecord(table=table), preprocessing, None)
    assert old["a"].tolist() == [1.303, 4]
    with pytest.raises(BadInputError, match=r"line 2, column 'a': '1\.303' may be 1303"):
        read_new_rows(
            file, "new.csv", RunRecord(table=replace(table, whole=("a",))), preprocessing, None
        )
