from __future__ import annotations

import re
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from kedro.framework.project import configure_project, pipelines
from kedro.io import DataCatalog

from conftest import assert_refused
from dropnorm.cli.study.new import _read_back, _yaml_text
from dropnorm.cli.study.project import Project, open_project
from dropnorm.config_loader import project_config
from dropnorm.data.inspection.profile import inspect_table
from dropnorm.data.inspection.suggest import propose_study
from dropnorm.datasets.catalog_entries import load_table
from dropnorm.evaluation.answers.other_tables import tell_other_tables
from dropnorm.study.parsing import parse_study
from messy_table import bikes


@pytest.fixture
def cars(configured):
    """A plain table beside the project."""
    file = configured / "cars here.csv"
    chance = np.random.default_rng(0)
    pd.DataFrame({
        "weight": chance.normal(1500, 300, 120).round(1),
        "maker": chance.choice(["a", "b", "c"], 120),
        "mpg": chance.normal(20, 5, 120).round(2),
    }).to_csv(file, index=False)  # fmt: skip
    return file


def test_a_written_study_is_valid_and_registered(command, configured, cars):
    done = command("new", "cars", "--csv", cars, "--target", "mpg")

    assert done.exit_code == 0, done.output
    written = [line for line in done.output.splitlines() if line.startswith(("OK", "SKIPPED"))]
    assert written == ["OK data/01_raw/cars.csv", "OK conf/base/parameters/cars.yml"]
    assert re.search(r"takes about \d+ (seconds|minutes): kedro run --pipelines=cars", done.output)
    assert "\n".join(tell_other_tables("regression")) in done.output
    assert (configured / "data/01_raw/cars.csv").read_bytes() == cars.read_bytes()
    study = project_config().study("cars")
    assert study.preprocessing.standard_scale == ("weight",)
    assert study.preprocessing.one_hot == ("maker",)
    assert study.target.column == "mpg"
    assert command("check", "cars").exit_code == 0
    configure_project("dropnorm")  # as in the next command
    assert {"cars", "cars.predict"} <= set(pipelines)
    assert "cars.baseline.train" in {node.name for node in pipelines["__default__"].nodes}
    assert not any(node.name.endswith("predict") for node in pipelines["__default__"].nodes)


def test_every_column_and_choice_has_a_reason_in_the_file(command, configured):
    file = configured / "bikes.csv"
    bikes().to_csv(file, sep=";", decimal=",", index=False, encoding="cp1252")

    done = command("new", "bikes", "--csv", file, "--target", "Preis", "--drop", "Licht")

    assert done.exit_code == 0, done.output
    text = (configured / "conf/base/parameters/bikes.yml").read_text("utf-8")
    for column in bikes().columns:
        lines = [line for line in text.splitlines() if column in line and "#" in line]
        assert lines, column
        assert column in done.output
    assert "Licht (dropped): left out with --drop" in text
    assert "Anzeige_id (id): identifies rows" in text
    entry = yaml.safe_load((configured / "conf/base/catalog_bikes.yml").read_text("utf-8"))
    assert entry["bikes.table"]["filepath"] == "${globals:tables}/bikes.csv"
    written = entry["bikes.table"]["format"]
    assert (written["sep"], written["encoding"]) == (";", "cp1252")
    assert written["columns"]["Gewicht, kg"] == {"decimal": ",", "missing": ["?"]}
    assert command("check", "bikes").exit_code == 0


def test_a_table_that_is_not_plain_is_found_in_an_environment_with_its_own_results(
    command, configured
):
    bikes().to_csv(configured / "bikes.csv", sep=";", decimal=",", index=False)
    assert command("new", "bikes", "--csv", "bikes.csv", "--target", "Preis").exit_code == 0
    (configured / "conf/other").mkdir()
    (configured / "conf/other/globals.yml").write_text("data: data/other\n")

    done = command("check", "bikes", "--env", "other")

    assert done.exit_code == 0, done.output


def test_without_a_copy_the_catalog_refers_to_the_table(command, configured, cars):
    done = command("new", "cars", "--csv", cars, "--target", "mpg", "--no-copy")

    assert done.exit_code == 0, done.output
    assert not (configured / "data/01_raw/cars.csv").exists()
    entry = yaml.safe_load((configured / "conf/base/catalog_cars.yml").read_text())
    assert entry["cars.table"]["filepath"] == "cars here.csv"
    assert command("check", "cars").exit_code == 0


@pytest.mark.parametrize("options", [[], ["--no-copy"]])
@pytest.mark.parametrize("name", ["cars.parquet", "cars.csv.gz"])
def test_a_table_at_an_address_is_copied_or_referenced(command, configured, cars, name, options):
    table, address = pd.read_csv(cars), f"memory:///{name}"
    table.to_parquet(address) if name.endswith("parquet") else table.to_csv(address, index=False)

    done = command("new", "cars", "--csv", address, "--target", "mpg", *options)

    assert done.exit_code == 0, done.output
    entry = yaml.safe_load((configured / "conf/base/catalog_cars.yml").read_text())
    copied = set() if options else {f"data/01_raw/{name}"}
    assert {f"data/01_raw/{path.name}" for path in configured.glob("data/01_raw/cars*")} == copied
    assert entry["cars.table"]["filepath"] == (
        address if options else f"${{globals:tables}}/{name}"
    )
    assert command("check", "cars").exit_code == 0


@pytest.mark.parametrize("name", ["cars.parquet", "cars.csv.gz"])
def test_other_file_types_are_copied_with_a_catalog_entry(command, configured, cars, name):
    table = pd.read_csv(cars)
    file = configured / name
    table.to_parquet(file) if name.endswith("parquet") else table.to_csv(file, index=False)

    assert command("new", "cars", "--csv", file, "--target", "mpg").exit_code == 0

    assert (configured / "data/01_raw" / name).read_bytes() == file.read_bytes()
    assert command("check", "cars").exit_code == 0


def test_without_a_file_the_catalog_entry_is_read(command, configured, cars):
    entry = {"cars.table": {"type": "pandas.CSVDataset", "filepath": str(cars)}}
    (configured / "conf/base/catalog_mine.yml").write_text(yaml.safe_dump(entry))

    done = command("new", "cars", "--target", "mpg")

    assert done.exit_code == 0, done.output
    assert [line for line in done.output.splitlines() if line.startswith("OK")] == [
        "OK conf/base/parameters/cars.yml"
    ]
    assert command("check", "cars").exit_code == 0


def test_a_study_is_written_to_the_given_environment(command, configured, cars):
    done = command("new", "cars", "--csv", cars, "--target", "mpg", "--env", "local")

    text = (configured / "conf/local/parameters/cars.yml").read_text()
    assert "`kedro study check cars --env=local`" in text
    assert "`kedro run --pipelines=cars --env=local`" in text

    assert done.exit_code == 0, done.output
    assert (configured / "conf/local/parameters/cars.yml").exists()
    assert not (configured / "conf/base/parameters/cars.yml").exists()
    assert command("check", "cars", "--env", "local").exit_code == 0


def test_an_existing_table_is_reused_and_never_overwritten(command, configured, cars):
    place = configured / "data/01_raw/cars.csv"
    place.write_text("weight,mpg\n1,2\n")

    assert_refused(
        command("new", "cars", "--csv", cars, "--target", "mpg"), "cars.csv already exists"
    )
    assert place.read_text() == "weight,mpg\n1,2\n"
    assert not (configured / "conf/base/parameters/cars.yml").exists()

    place.write_bytes(cars.read_bytes())
    done = command("new", "cars", "--csv", cars, "--target", "mpg")
    assert "SKIPPED (already exists) data/01_raw/cars.csv\n" in done.output
    assert done.exit_code == 0


def test_a_text_target_makes_a_classification(command, configured, cars):
    done = command("new", "cars", "--csv", cars, "--target", "maker")

    assert done.exit_code == 0, done.output
    text = (configured / "conf/base/parameters/cars.yml").read_text()
    assert "task: classification  # the target's values are classes\n" in text
    assert "3 classes: " in text
    assert "loss: cross_entropy  # " in text
    assert "\n    scale: " not in text
    assert "with the same share of each class" in done.output
    assert "\n".join(tell_other_tables("classification")) in done.output


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("my cars", [], "cannot be the name of a study; .* such as my_cars"),
        ("../cars", [], "cannot be the name of a study"),
        ("/tmp/cars", [], "cannot be the name of a study"),  # noqa: S108
        ("c\nd", [], r"'c\\nd' cannot be the name of a study"),
        ("c" * 300, [], "c…' cannot be the name of a study; use up to 100 letters"),
        ("2cars", [], "cannot be the name of a study"),
        ("__default__", [], "cannot be the name of a study"),
        ("wine", [], "the study 'wine' already exists"),
        ("cars", ["--target", "mgp"], "--target: has no column 'mgp'; did you mean 'mpg'?"),
        ("cars", ["--groups", "makr"], "did you mean 'maker'?"),
        ("cars", ["--drop", "wight"], "did you mean 'weight'?"),
        ("cars", ["--drop", "weight", "--drop", "maker"], "has no input column"),
        (
            "cars",
            ["--target", "maker", "--task", "regression"],
            "is not a number .* --task classif",
        ),
        ("cars", ["--task", "classification"], "distinct values in 120 rows: too many to be"),
        ("cars", ["--csv", "none.csv"], "none.csv: there is no such file"),
        ("cars", ["--csv", "conf"], "conf: is a folder"),
        ("cars", ["--csv", "memory:///none.csv"], "memory:///none.csv: there is no such file"),
        ("cars", ["--csv", "nope://none.csv", "--no-copy"], "nope://none.csv: cannot be fetched"),
        ("cars", ["--env", "nope"], "nope"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(
    command, configured, cars, name, options, message
):
    before = sorted(configured.rglob("*"))

    done = command("new", name, "--csv", cars, "--target", "mpg", *options)

    assert_refused(done, message)
    assert sorted(configured.rglob("*")) == before


def test_an_ambiguous_target_is_noted(command, configured):
    options = ("--csv", "data/01_raw/red-wine.csv", "--target", "quality")

    assert "amounts or classes" in command("new", "red", *options).output
    message = command("new", "red_told", *options, "--task", "regression").output
    assert "amounts or classes" not in message


@pytest.mark.parametrize("values", [[0, 1], [-1, 1], [1, 2], [0.0, None, 1.0]])
def test_two_whole_numbers_are_classes_by_default(command, configured, tmp_path, values):
    chance = np.random.default_rng(0)
    file = tmp_path / "pima.csv"
    table = pd.DataFrame({"bmi": chance.normal(30, 5, 120), "y": np.resize(values, 120)})
    table.to_csv(file, index=False)

    done = command("new", "pima", "--csv", file, "--target", "y")
    asked = command("new", "amount", "--csv", file, "--target", "y", "--task", "regression")

    written = yaml.safe_load((configured / "conf/base/parameters/pima.yml").read_text())
    assert written["pima"]["task"] == "classification"
    assert "two whole numbers; if they are amounts, use --task regression" in done.output
    amounts = yaml.safe_load((configured / "conf/base/parameters/amount.yml").read_text())
    assert amounts["amount"]["task"] == "regression", asked.output


def test_inputs_whose_sum_is_the_target_are_reported(command, configured, tmp_path):
    chance = np.random.default_rng(0)
    file = tmp_path / "bikes.csv"
    table = pd.DataFrame(chance.integers(1, 500, (120, 2)), columns=["casual", "registered"])
    table.assign(cnt=table.sum(axis="columns"), hum=chance.random(120)).to_csv(file, index=False)

    new = command("new", "bike", "--csv", file, "--target", "cnt")
    checked = command("check", "bike")

    message = (
        "columns 'casual', 'registered': cnt = casual + registered (R² 1 on the validation rows"
    )
    assert message in new.stdout
    assert message in checked.stdout


NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name.strip())


@given(st.lists(NAMES, min_size=2, max_size=4, unique=True))
@example(["${globals:data}", "\\${x}"])
@example(["1e3", "yes"])
@example(["null", "# no comment"])
@example(["a: b", "two\nlines"])
@example(["'\"", "\u2028\x85 \t"])
def test_any_column_name_survives_the_file(names):
    table = pd.DataFrame({name: np.arange(40) * (k + 1.5) % 7 for k, name in enumerate(names)})
    look = inspect_table(table, names[0])
    proposal = propose_study("tried", look)

    project = Project(Path(), project_config(), DataCatalog())
    text = _yaml_text(project, "tried", proposal, "tried\n.csv", look)

    assert _read_back("tried", text) == parse_study("tried", proposal.options())


VALUES = st.one_of(
    st.none(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=True, allow_infinity=True),
    st.booleans(),
    st.text(max_size=4),
    st.sampled_from(["a", "b", "2024-01-01", "?", "1,5", "nan", "inf"]),
    st.datetimes(),
)
COLUMN = st.one_of(
    st.lists(VALUES, min_size=12, max_size=12),
    st.lists(st.floats(-1e6, 1e6), min_size=12, max_size=12),
    st.lists(st.one_of(st.none(), st.integers(-3, 3)), min_size=12, max_size=12),
    st.lists(st.one_of(st.none(), st.sampled_from(["a", "b"])), min_size=12, max_size=12),
)


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    columns=st.dictionaries(NAMES, COLUMN, min_size=1, max_size=4),
    good_target=st.booleans(),
    times=st.integers(1, 4),
    separator=st.sampled_from([",", ";", "\t"]),
    groups=st.booleans(),
)
def test_any_table_gives_a_valid_study_or_is_refused(
    command, configured, columns, good_target, times, separator, groups
):
    name = f"s{uuid.uuid4().hex}"
    file = configured / f"{name} source.csv"
    table = pd.concat([pd.DataFrame(columns, dtype=object)] * times)
    if good_target:
        table.insert(0, "the target", np.arange(len(table)) ** 1.5)
    table.to_csv(file, sep=separator, index=False)
    header = pd.read_csv(file, sep=separator, nrows=0).columns
    options = ["--groups", header[-1]] if groups else []

    done = command("new", name, "--csv", file, "--target", header[0], *options)

    event(done.stderr.split(":")[-1][:60] or "written")
    study = configured / "conf/base/parameters" / f"{name}.yml"
    if done.exit_code == 0:
        checked = command("check", name)
        assert checked.exit_code == 0, checked.output
        study.unlink()
        (configured / f"conf/base/catalog_{name}.yml").unlink(missing_ok=True)
    else:
        assert_refused(done, "")
        assert not study.exists()


def test_a_problem_in_the_final_check_refuses_the_study(command, configured):
    file = configured / "few.csv"
    pd.DataFrame({"x": [1.5, 2, 4], "g": ["a", "a", "a"], "y": [1, 2, 3.5]}).to_csv(file)

    assert_refused(
        command("new", "few", "--csv", file, "--target", "y", "--groups", "g"), "1 group"
    )
    assert not (configured / "conf/base/parameters/few.yml").exists()


def test_the_shipped_tables_give_studies_without_problems(command):
    for name, target in (("concrete", "CompressiveStrength"), ("red-wine", "quality")):
        new = f"{name.replace('-', '_')}_again"
        done = command("new", new, "--csv", f"data/01_raw/{name}.csv", "--target", target)
        assert done.exit_code == 0, done.output


def many(*lines: str, header: str) -> str:
    """Return a table of 60 rows; # stands for the number of the row, @ for two digits of it."""
    return (
        "\n".join(
            [
                header,
                *(
                    lines[n % len(lines)].replace("#", str(n)).replace("@", f"{n:02}")
                    for n in range(60)
                ),
            ]
        )
        + "\n"
    )


KINDS = {
    "rows that end in a separator": (
        many("#.5,3,100#,", "#.25,4,101#,", header="area,rooms,price"),
        {"surplus": True},
        {"area": [0.5, 1.25], "rooms": [3, 4], "price": [1000, 1011]},
    ),
    "the first row alone ends in a separator": (
        many("#.5,3,100#", header="area,rooms,price").replace("0.5,3,1000", "0.5,3,1000,"),
        {"surplus": True},
        {"area": [0.5, 1.5], "rooms": [3, 3], "price": [1000, 1001]},
    ),
    "names of rows": (
        many('"r#",#.5,100#', header='"area","price"'),
        {"row_names": True},
        {"area": [0.5, 1.5], "price": [1000, 1001]},
    ),
    "blanks behind separators": (
        many('1#, State-gov, "x, #", 1#', '3#, Private, "x, #", 2#', header="age, job, it, price"),
        {},
        {"age": [10, 31], "job": ["State-gov", "Private"], "it": ["x, 0", "x, 1"]},
    ),
    "thousands commas in a file of tabs": (
        many("40,648\t9#.5", "949\t8#.5", header="price\tx"),
        {"sep": "\t", "columns": {"price": {"thousands": ","}}},
        {"price": [40648, 949], "x": [90.5, 81.5]},
    ),
    "thousands points beside decimal commas": (
        many("1.303;802,#2;1#", "929;1,#5;2#", header="km;x;price"),
        {"sep": ";", "columns": {
            "km": {"decimal": ",", "thousands": "."}, "x": {"decimal": ",", "thousands": "."},
        }},
        {"km": [1303, 929], "x": [802.02, 1.15]},
    ),
    "numbers with a symbol": (
        many('"$45,1@",12.#5%', '"$9@",3.1%', header="price,x"),
        None,
        {"price": [45100, 901], "x": [12.05, 3.1]},
    ),
    "codes with zeros in front": (
        many("001,5#,1#.5", "010,6#,2#.5", header="code,x,price"),
        {"columns": {"code": {"type": "text"}}},
        {"code": ["001", "010"]},
    ),
    "words": (
        many("None,5#,1#.5", "Insomnia,6#,2#.5", "NA,7#,3#.5", header="disorder,x,price"),
        None,
        {"disorder": ["None", "Insomnia", "NA"]},
    ),
    "true and false in capitals": (
        many("TRUE,5#,1#.5", "FALSE,6#,2#.5", header="flag,x,price"),
        None,
        {"flag": ["TRUE", "FALSE"]},
    ),
    "a line that names the separator": (
        "sep=;\n" + many("5#;1#,5", header="x;price"),
        {"sep": ";", "skiprows": 1, "columns": {"price": {"decimal": ","}}},
        {"x": [50, 51], "price": [10.5, 11.5]},
    ),
    "lines that are comments": (
        "# from the lab\n" + many("5#,1#.5", header="x,price"),
        None,
        {"x": [50, 51], "price": [10.5, 11.5]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "written", "values"), KINDS.values(), ids=KINDS)
def test_tables_in_all_formats_are_read_and_recorded_in_the_catalog(
    command, configured, text, written, values
):
    (configured / "t.csv").write_text(text)

    done = command("new", "tried", "--csv", "t.csv", "--target", "price")

    assert done.exit_code == 0, done.output
    table = load_table("tried", open_project(None, None).catalog)
    for column, expected in values.items():
        assert list(table[column])[: len(expected)] == expected
    assert command("check", "tried").exit_code == 0
    if not written:
        return
    entry = yaml.safe_load((configured / "conf/base/catalog_tried.yml").read_text())
    found = entry["tried.table"]["format"]
    assert {key: found.get(key) for key in written if key != "columns"} == {
        key: value for key, value in written.items() if key != "columns"
    }
    for column, how in written.get("columns", {}).items():
        assert found["columns"][column] == how
        assert column in done.output


def test_every_line_of_the_catalog_entry_has_a_reason(command, configured):
    text = many("1.303;802,#2;0#;1#", "929;1,#5;1#;2#", header="km;x;post;price")
    (configured / "t.csv").write_bytes(("# Größe\n" + text).encode("cp1252"))

    assert command("new", "tried", "--csv", "t.csv", "--target", "price").exit_code == 0

    entry = (configured / "conf/base/catalog_tried.yml").read_text("utf-8")
    for key in ("encoding: cp1252", "km: {", "x: {", "post: {type: text}"):
        (line,) = [line for line in entry.splitlines() if key in line]
        assert "  # " in line, line


AMBIGUOUS = many("1,234\t2#.5", "5,678\t3#.5", header="x\tprice").replace(".5", "")


@pytest.mark.parametrize(
    ("options", "values"),
    [(["--decimal", ","], [1.234, 5.678]), (["--thousands", ","], [1234, 5678])],
)
def test_ambiguous_numbers_require_an_option(command, configured, options, values):
    (configured / "t.csv").write_text(AMBIGUOUS)
    words = ("new", "tried", "--csv", "t.csv", "--target", "price")

    refused = command(*words)

    assert_refused(refused, r"t\.csv: .*'x'.*--decimal.*--thousands")
    assert not (configured / "conf/base/parameters/tried.yml").exists()
    done = command(*words, *options)
    assert done.exit_code == 0, done.output
    table = load_table("tried", open_project(None, None).catalog)
    assert list(table["x"][:2]) == values


def test_marks_require_a_file(command, configured, cars):
    entry = {"cars.table": {"type": "pandas.CSVDataset", "filepath": str(cars)}}
    (configured / "conf/base/catalog_mine.yml").write_text(yaml.safe_dump(entry))

    assert_refused(
        command("new", "cars", "--target", "mpg", "--decimal", ","), "--decimal: applies"
    )


def test_a_target_of_codes_is_a_classification(command, configured):
    (configured / "t.csv").write_text(many("001,5#", "010,6#", "002,7#", header="code,x"))

    done = command("new", "tried", "--csv", "t.csv", "--target", "code")

    assert done.exit_code == 0, done.output
    assert project_config().study("tried").task == "classification"
    assert "'001' in 20 rows" in done.output


def test_no_class_disappears(command, configured):
    text = many("None,5#", "Insomnia,6#", "NA,7#", header="disorder,x")
    (configured / "t.csv").write_text(text)

    done = command("new", "tried", "--csv", "t.csv", "--target", "disorder")

    assert done.exit_code == 0, done.output
    for word in ("None", "Insomnia", "NA"):
        assert f"'{word}' in 20 rows" in done.output
    entry = (configured / "conf/base/catalog_tried.yml").read_text()
    for word in ("None", "NA"):
        assert f"Warning: '{word}' occurs in 20 of 60 rows" in done.output
        assert f"# Look at this: '{word}' occurs in 20 of 60 rows" in entry


def test_a_column_name_with_surrounding_blanks_is_found(command, configured):
    (configured / "t.csv").write_text(many("1#, 5#.5", header="x, income"))

    assert command("new", "tried", "--csv", "t.csv", "--target", " income").exit_code == 0
    assert project_config().study("tried").target.column == "income"


@pytest.mark.parametrize("of_table", ["gr\u00f6\u00dfe", "gro\u0308\u00dfe"])
@pytest.mark.parametrize("typed", ["gr\u00f6\u00dfe", "gro\u0308\u00dfe"])
def test_a_column_name_is_found_however_its_letters_are_composed(
    command, configured, of_table, typed
):
    (configured / "t.csv").write_text(many("1#,5#.5", header=f"x,{of_table}"))

    assert command("new", "tried", "--csv", "t.csv", "--target", typed).exit_code == 0
    assert project_config().study("tried").target.column == of_table


def test_a_table_of_the_target_alone_is_refused(command, configured):
    (configured / "t.csv").write_text(many("5#.5", header="y"))

    done = command("new", "tried", "--csv", "t.csv", "--target", "y")

    assert_refused(done, "has no column beside the target")


def test_a_parquet_index_becomes_a_column(command, configured):
    table = pd.DataFrame(
        {"region": ["N", "S"] * 60, "x": np.arange(120) % 7, "y": np.arange(120.0)}
    )
    table.set_index("region").to_parquet("t.parquet")

    done = command("new", "tried", "--csv", "t.parquet", "--target", "y")

    assert done.exit_code == 0, done.output
    assert project_config().study("tried").preprocessing.one_hot == ("region",)
    assert command("check", "tried").exit_code == 0


def test_a_published_split_is_suggested_and_is_no_input(command, configured, cars):
    table = pd.read_csv(cars).assign(fold=np.arange(120) % 4, speed=np.arange(120) ** 2)
    table.to_csv("t.csv", index=False)
    section = "split: {method: columns, columns: [fold], values: {train: [1, 2, 3], test: 0}}"

    done = command("new", "tried", "--csv", "t.csv", "--target", "mpg")

    assert done.exit_code == 0, done.output
    assert (
        "fold: looks like a published split: folds 0 to 3; a study tests on one of them, here 0. It"
        f" is no input. To split by it: {section}"
    ) in done.output
    written = (configured / "conf/base/parameters/tried.yml").read_text()
    assert f"  # {section}\n  split:\n    method: random" in written
    assert project_config().study("tried").preprocessing.standard_scale == ("weight", "speed")
    start, end = written.index("  # split: {"), written.index("  replicas:")
    used = written[:start] + f"  {section}\n" + written[end:].replace("splits: 5", "splits: 1")
    (configured / "conf/base/parameters/tried.yml").write_text(used)
    assert command("check", "tried").exit_code == 0
    assert project_config().study("tried").split.columns == ("fold",)


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_following_the_advice_leads_to_a_study(command, configured, task):
    table = pd.DataFrame({"x": np.arange(120), "price": [f"v{n}x{n}" for n in range(120)]})
    table.to_csv("t.csv", index=False)

    done = command("new", "tried", "--csv", "t.csv", "--target", "price", "--task", task)

    assert_refused(done, "price")
    assert "--task" not in done.stderr


def test_a_target_that_is_often_missing_is_reported(command, configured):
    (configured / "t.csv").write_text(many("1#,", "2#,5#.5", header="x,price"))

    done = command("new", "tried", "--csv", "t.csv", "--target", "price")

    assert "DN017 a target that is often missing: column 'price': 30 of 60 rows" in done.output
