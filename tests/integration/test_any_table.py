"""Tables and studies of the user's own, as whole commands."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import assert_refused
from whole_commands import kedro_here, newest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fsspec import AbstractFileSystem


def houses(rows: int = 240) -> pd.DataFrame:
    """Made-up prices with dates, ids, missing values, rare categories and copies."""
    chance = np.random.default_rng(0)
    table = pd.DataFrame({
        "id": range(rows),
        "sold": pd.date_range("2020-01-01", periods=rows).strftime("%d.%m.%Y"),
        "area": chance.gamma(4, 30, rows).round(1),
        "rooms": chance.integers(1, 7, rows),
        "town": chance.choice(["Ulm", "Bonn", "Jena", "Gera, Ost"], rows, p=[0.5, 0.3, 0.19, 0.01]),
        "state": chance.choice(["poor", "fair", "good"], rows),
    })  # fmt: skip
    price = 2000 * table["area"] * chance.lognormal(0, 0.2, rows)
    table = table.assign(price=price.round()).mask(chance.random((rows, 7)) < 0.02)
    return table.assign(sold=table["sold"].ffill())


STUDY: dict[str, Any] = {
    "title": "Houses",
    "target": {"column": "price", "unit": "EUR", "scale": "log1p"},
    "missing": "impute",
    "preprocessing": {
        "standard_scale": ["area"],
        "passthrough": ["rooms"],
        "log1p": ["area"],
        "one_hot": ["town"],
        "ordinal": ["state"],
        "order": {"state": ["poor", "fair", "good"]},
        "rare_categories": {"min_count": 5},
        "impute": {"indicator": True},
    },
    "split": {"method": "time", "by": "sold", "format": "%d.%m.%Y", "test_fraction": 0.2,
              "train_fraction": 0.6},
    "network": {"hidden": [8]},
    "training": {"batch_size": 64, "epochs": 2},
}  # fmt: skip


@pytest.fixture
def houses_here(configured: Path, houses_project: Path) -> Path:
    """The same, as the project that Kedro works in, in this process."""
    assert configured == houses_project
    return houses_project


@pytest.fixture
def houses_project(project: Path) -> Path:
    """The project with a study of one's own: a YAML file, a catalog entry and a table."""
    studies = project / "conf" / "sample" / "parameters"
    (studies / "houses.yml").write_text(yaml.safe_dump({"houses": STUDY}))
    write_entry(project, "houses.csv.gz", {"sep": ";", "decimal": ",", "encoding": "latin-1"})
    houses().to_csv(table_of(project), sep=";", decimal=",", index=False, encoding="latin-1")
    return project


def table_of(project: Path, name: str = "houses.csv.gz") -> Path:
    return project / "data" / "sample" / "01_raw" / name


def write_entry(project: Path, name: str, load_args: dict[str, Any]) -> None:
    kind = "pandas.ParquetDataset" if name.endswith("parquet") else "pandas.CSVDataset"
    path = f"${{globals:data}}/01_raw/{name}"
    rewrite_entry(project, {"type": kind, "filepath": path, "load_args": load_args})


def rewrite_entry(project: Path, entry: dict[str, Any]) -> None:
    file = project / "conf" / "sample" / "catalog.yml"
    text = yaml.safe_dump({"houses.table": entry})
    file.write_text(file.read_text().split("houses.table")[0] + text)


@pytest.mark.training
def test_a_messy_gzipped_table_is_scored_on_its_test_part_in_its_own_units(houses_project):
    done = kedro_here(houses_project, "run", "--env=sample", "--pipelines=houses")

    assert done.exit_code == 0, done.output
    split = pd.read_parquet(newest(houses_project, "05_model_input/houses/split.parquet"))
    table = houses()
    assert list(split["row"]) == list(table.index[table["price"].notna()])
    output = "07_model_output/houses/baseline"
    found = pd.read_parquet(newest(houses_project, f"{output}/test_predictions.parquet"))
    assert list(found["row"]) == list(split.loc[split["part"] == "test", "row"])
    np.testing.assert_allclose(found["target"], table.loc[found["row"], "price"], rtol=1e-6)
    metrics = json.loads(
        newest(houses_project, "08_reporting/houses/baseline/metrics.json").read_text()
    )
    errors = found["target"] - found["prediction"]
    assert metrics["test_mae"] == pytest.approx(errors.abs().mean())
    assert metrics["test_rmse"] == pytest.approx((errors**2).mean() ** 0.5)
    assert metrics["rows"] == split["part"].value_counts().to_dict()
    without = pd.read_parquet(
        newest(houses_project, "07_model_output/houses/batchnorm/test_predictions.parquet")
    )
    effects = json.loads(newest(houses_project, "08_reporting/houses/effects.json").read_text())
    moved = (without["target"] - without["prediction"]).abs().mean() - errors.abs().mean()
    assert effects["test"]["effects"]["batchnorm"]["difference"] == pytest.approx(moved)
    compared = pd.read_csv(newest(houses_project, "08_reporting/houses/comparison.csv"))
    assert compared["test_mae"].iloc[0] == pytest.approx(metrics["test_mae"])
    scores = compared.set_index("variant")
    assert np.isfinite(scores["test_log_likelihood"]).all()
    assert scores["test_mc_rmse"].notna().tolist() == [False, True, False, True]
    page = newest(houses_project, "08_reporting/houses/report.html").read_text()
    assert "<h2>On the test part</h2>" in page
    # In the units of the training: logarithms.
    assert metrics["final_val_loss"] < 20 < metrics["validation_mae"]
    told = json.loads(newest(houses_project, "08_reporting/houses/findings.json").read_text())
    # Its few steps leave running statistics near their first values.
    assert [one["code"] for one in told["findings"]] == ["DN019"]
    record = json.loads(newest(houses_project, "08_reporting/houses/run.json").read_text())
    assert record["seeds"]["split"] == []
    assert any("findings.json" in file["path"] for file in record["files"])


@pytest.mark.parametrize("index", [None, "town"])
def test_a_parquet_table_is_prepared_like_any_other(run_here, houses_here, index):
    write_entry(houses_here, "houses.parquet", {})
    table = houses()
    # Parquet holds dates as dates, and categories as categories.
    table["sold"] = pd.to_datetime(table["sold"], format="%d.%m.%Y").dt.date
    table["town"] = table["town"].astype("category")
    indexed = table.set_index(index) if index else table
    indexed.to_parquet(table_of(houses_here, "houses.parquet"))
    yml = houses_here / "conf" / "sample" / "parameters" / "houses.yml"
    yml.write_text(yml.read_text().replace("format: '%d.%m.%Y'", "format: null"))

    done = run_here("--env=sample", "--to-nodes=houses.prepare.make_inputs", "--pipelines=houses")

    assert done.exit_code == 0, done.output
    split = pd.read_parquet(newest(houses_here, "05_model_input/houses/split.parquet"))
    last = table.loc[split.loc[split["part"] == "train", "row"], "sold"].max()
    assert last < table.loc[split.loc[split["part"] == "validation", "row"], "sold"].min()


def test_findings_are_told_in_a_line_and_stop_nothing(houses_project):
    twice = pd.concat([houses(), houses()])
    twice.to_csv(table_of(houses_project), sep=";", decimal=",", index=False)
    yml = houses_project / "conf" / "sample" / "parameters" / "houses.yml"
    yml.write_text(yaml.safe_dump({"houses": {**STUDY, "split": {"method": "random"}}}))

    done = kedro_here(houses_project, "run", "--env=sample", "--pipelines=houses",
                 "--to-nodes=houses.prepare.make_inputs,houses.prepare.check_data")  # fmt: skip

    assert done.exit_code == 0, done.output
    told = " ".join((done.stdout + done.stderr).split())
    assert "Houses: DN001 copies of training rows in a held part" in told
    findings = json.loads(newest(houses_project, "08_reporting/houses/findings.json").read_text())
    assert [(one["code"], one["where"]) for one in findings["findings"]] == [
        ("DN001", "validation part of split 0"),
        ("DN005", "column 'id', validation part of split 0"),
        ("DN019", "batch normalization"),
    ]


def rewritten(change: Callable[[str], str]) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(
        gzip.compress(change(gzip.decompress(file.read_bytes()).decode("latin-1")).encode())
    )


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda file: file.write_bytes(b""), "houses.csv.gz: is empty"),
        (lambda file: file.write_bytes(file.read_bytes()[:99]), "is not a complete gzip file"),
        (lambda file: file.write_text("area;price"), "is not a complete gzip file"),
        (
            rewritten(lambda text: text.replace("id;sold", "area;sold")),
            "has the column 'area' more",
        ),
        (rewritten(lambda text: text.replace(",", "'")), "column 'area', row 0: \"117'4\" is not"),
        (rewritten(lambda text: text.split("\n")[0]), "has a header but no rows"),
        (rewritten(lambda text: f"{text}1;2;3;4;5;6;7;8\n"), "line 242 has 8 fields where 7 are"),
        (
            rewritten(lambda text: text.replace("\n", ";\n").replace(";\n", "\n", 1)),
            "first row has 8 fields, but the header has 7 names, .* write load_args",
        ),
        (rewritten(lambda text: f'{text}1;"2;3\n'), "line 242 has an opening quotation mark"),
    ],
)
def test_a_table_with_a_fault_is_refused_before_anything_is_written(
    run_here, houses_here, spoil, told
):
    spoil(table_of(houses_here))

    assert_refused(run_here("--env=sample", "--pipelines=houses"), told)
    assert not list((houses_here / "data" / "sample").glob("0[2-8]*"))


@pytest.fixture
def in_memory(houses_here: Path) -> Iterator[AbstractFileSystem]:
    """A place that is no file of this machine, with the study's table in it."""
    memory = fsspec.filesystem("memory")
    entry = {"type": "pandas.CSVDataset", "filepath": "memory:///far.csv"}
    rewrite_entry(houses_here, entry)
    memory.pipe("/far.csv", houses().to_csv(index=False).encode())
    yield memory
    memory.store.clear()


def test_a_table_that_is_not_on_this_machine_is_prepared_like_any_other(run_here, in_memory):
    done = run_here("--env=sample", "--pipelines=houses", "--to-nodes=houses.prepare.make_inputs")

    assert done.exit_code == 0, done.output


def test_what_is_wrong_with_a_table_elsewhere_is_told_with_its_address(run_here, in_memory):
    in_memory.pipe("/far.csv", houses().assign(area="wide").to_csv(index=False).encode())
    refused = run_here("--env=sample", "--pipelines=houses")
    in_memory.rm("/far.csv")
    gone = run_here("--env=sample", "--pipelines=houses")

    assert_refused(refused, "memory:///far.csv: column 'area', row 0: 'wide' is not a number")
    assert_refused(gone, "memory:///far.csv: there is no such file")


def test_a_table_of_another_kind_is_prepared_by_its_catalog_entry(run_here, houses_here):
    table = houses_here / "houses.json"
    rewrite_entry(houses_here, {"type": "pandas.JSONDataset", "filepath": str(table)})
    houses().to_json(table)

    done = run_here("--env=sample", "--pipelines=houses", "--to-nodes=houses.prepare.make_inputs")

    assert done.exit_code == 0, done.output
    table.write_text("{")
    assert_refused(
        run_here("--env=sample", "--pipelines=houses"), "houses.json: cannot be read as a table: "
    )


def test_a_column_called_x_1_beside_x_is_no_repeated_column(run_here, houses_here):
    rewritten(lambda text: text.replace("id;sold", "area.1;sold"))(table_of(houses_here))

    done = run_here("--env=sample", "--pipelines=houses", "--to-nodes=houses.prepare.check_rows")

    assert done.exit_code == 0, done.output


def test_a_parquet_file_that_is_none_is_refused(run_here, houses_here):
    write_entry(houses_here, "houses.parquet", {})
    table_of(houses_here, "houses.parquet").write_bytes(b"no table")

    assert_refused(
        run_here("--env=sample", "--pipelines=houses"),
        "houses.parquet: is not a complete Parquet file; get it again",
    )
