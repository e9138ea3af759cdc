from __future__ import annotations

import json

import pytest
from kedro.io import DatasetError

from dropnorm.datasets import ResultDataset
from dropnorm.evaluation.json_form import to_json
from dropnorm.evaluation.results import SweepPoint
from made_results import some_metrics


def dataset(folder, of="VariantMetrics"):
    return ResultDataset(of=of, filepath=str(folder / "result.json"), save_args={"indent": 2})


def test_a_result_is_saved_as_json_and_loaded_again(tmp_path):
    kept = dataset(tmp_path)

    kept.save(some_metrics())

    assert kept.load() == some_metrics()
    text = json.dumps(to_json(some_metrics()), indent=2)
    assert (tmp_path / "result.json").read_text() == text
    assert json.loads(kept.preview()) == json.loads(text)


def test_a_list_of_results_is_a_list_in_json(tmp_path):
    points = [SweepPoint(0.1, None, some_metrics()), SweepPoint(0.2, None, some_metrics())]
    kept = dataset(tmp_path, "SweepPoint")

    kept.save(points)

    assert kept.load() == points


@pytest.mark.parametrize("content", ["{}", "[1]", "null"])
def test_a_file_with_other_content_is_refused(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "result.json").write_text(content)

    with pytest.raises(
        DatasetError, match=r"^result\.json: is not a result that this project saved"
    ):
        dataset(tmp_path).load()


def test_an_unknown_kind_of_result_is_refused():
    with pytest.raises(DatasetError, match=r"no result 'Metrics' .*VariantMetrics"):
        ResultDataset(of="Metrics", filepath="x.json")
