from __future__ import annotations

from dropnorm.data.formats import TableFormat
from dropnorm.datasets.new_rows import read_new_rows
from dropnorm.study.preprocessing import Preprocessing


def test_what_new_rows_lack_is_told(tmp_path, caplog):
    file = tmp_path / "new.csv"
    file.write_text("a,b,c\n1,2,3\n4,5\n")
    run = {"table": {"format": TableFormat().model_dump(mode="json")}}

    table = read_new_rows(file, "new.csv", run, Preprocessing(passthrough=["a", "c"]), None)

    assert table["a"].tolist() == [1, 4]
    assert table["c"].isna().tolist() == [False, True]
    assert "new.csv: 1 row has fewer fields than the header" in caplog.text
    assert "line 3" in caplog.text
