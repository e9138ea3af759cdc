from __future__ import annotations

import pytest
from kedro.io import DatasetError

from dropnorm.datasets import DownloadedCSVDataset


def test_a_look_at_the_graph_downloads_nothing(tmp_path):
    path = tmp_path / "table.csv"
    dataset = DownloadedCSVDataset(filepath=str(path), url="http://127.0.0.1:9/", sha256="0" * 64)

    with pytest.raises(DatasetError, match="has not been downloaded yet"):
        dataset.preview()

    path.write_text("a,b\n" + "1,2\n" * 9)
    assert len(dataset.preview()["data"]) == 5
