from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import yaml
from kedro.io.core import Version

from conftest import assert_refused, complete_version, read_study, read_table
from dropnorm.cli.study import check
from dropnorm.cli.study.check import find_problems
from dropnorm.cli.study.project import open_project
from dropnorm.data.validation import check_table
from dropnorm.errors import BadInputError
from dropnorm.findings import CODES, Finding

if TYPE_CHECKING:
    from dropnorm.study.schema import Study


def rewrite(project, name: str, change) -> None:
    file = project / "conf" / "base" / "parameters" / f"{name}.yml"
    options = yaml.safe_load(file.read_text())
    change(options[name])
    file.write_text(yaml.safe_dump(options))


def problems(done) -> list[str]:
    return [line for line in done.stdout.splitlines() if line.startswith("Problem: ")]


@pytest.mark.parametrize("name", ["concrete", "wine"])
def test_the_shipped_studies_have_no_problems(command, name):
    done = command("check", name)

    assert done.exit_code == 0, done.output
    assert f"OK {name}: {len(read_table(name))} rows" in done.stdout


def test_findings_are_warnings_and_can_be_silenced(command, configured):
    done = command("check", "wine")

    assert done.exit_code == 0
    assert "Warning: DN001" in done.stdout
    assert "110 of 480 rows" in done.stdout  # in the worst of five splits
    assert "1 warning" not in done.stdout.splitlines()[-1] or done.stdout.count("Warning:") == 1

    rewrite(configured, "wine", lambda study: study.update(silence=["DN001"]))
    assert "DN001" not in command("check", "wine").stdout


def test_findings_of_the_last_run_are_warnings_until_silenced(command, configured):
    finding = Finding(CODES["DN011"], "baseline", "4 of 5 runs", 4, 5).described()
    version = "2026-01-01T00.00.00.000Z"
    effects = open_project(None, None).catalog.get(
        "concrete.effects", version=Version(None, version)
    )
    effects.save({"findings": [finding]})
    complete_version("concrete", version)

    message = command("check", "concrete").stdout
    rewrite(configured, "concrete", lambda study: study.update(silence=["DN011"]))

    assert "Warning, of the run 2026-01-01T00.00.00.000Z: DN011" in message
    assert "learn its training rows by heart: the gap grows in 4 of 5 runs." in message
    assert "DN011" not in command("check", "concrete").stdout


def test_all_problems_of_yaml_and_table_are_listed_together(command, configured):
    def spoil(study):
        study["training"]["epohcs"] = 3
        study["network"]["dropout"]["rate"] = 1.5
        study["preprocessing"]["passthrough"].append("Watr")

    rewrite(configured, "concrete", spoil)
    table = read_table("concrete").astype(object)
    table.loc[5, "Water"] = "wet"
    table.loc[7, "Cement"] = None
    table.loc[9, "CompressiveStrength"] = "hard"
    table["Age"] = None
    table.to_csv(configured / "data/01_raw/concrete.csv", index=False)

    done = command("check", "concrete")

    message = problems(done)
    assert_refused(done, f"concrete has {len(message)} problems")
    for expected in (
        "conf/base/parameters/concrete.yml: concrete.training.epohcs: no such key",
        "conf/base/parameters/concrete.yml: concrete.network.dropout.rate is 1.5",
        "data/01_raw/concrete.csv: has no column 'Watr'; did you mean 'Water'?",
        "column 'Water', row 5: 'wet' is not a number",
        "column 'Cement', row 7: the value is missing (1 of 1030",
        "column 'CompressiveStrength', row 9: 'hard' is not a number",
        "column 'Age' is missing in all",
    ):
        assert sum(expected in line for line in message) == 1, (expected, message)
    assert len(message) == 7


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda file: file.unlink(), "there is no such file"),
        (lambda file: file.write_bytes(b""), "is empty"),
        (lambda file: file.write_text("Water,Water\n1,2\n"), "more than once"),
    ],
)
def test_an_unreadable_table_does_not_hide_problems_of_the_yaml(
    command, configured, spoil, message
):
    rewrite(configured, "concrete", lambda study: study["training"].update(epochs=0))
    spoil(configured / "data/01_raw/concrete.csv")

    yaml_problem, table_problem = problems(command("check", "concrete"))

    assert "concrete.training.epochs is 0" in yaml_problem
    assert message in table_problem


def test_a_study_with_unusable_yaml_lists_its_problems(command, configured):
    rewrite(configured, "concrete", lambda study: study.update(target=3, split={"method": "x"}))

    done = command("check", "concrete")

    assert len(problems(done)) == 2
    assert done.exit_code == 1


def test_an_unknown_study_is_refused_with_a_suggestion(command):
    assert_refused(command("check", "concret"), "no study 'concret'; did you mean 'concrete'?")


def test_the_split_is_checked_in_addition_to_the_columns():
    table = read_table("concrete").assign(part="train", Water="wet")
    study = read_study("concrete", split={"method": "columns", "columns": ["part"]})

    found = find_problems(table, study)

    assert len(found) == 2
    assert "'wet' is not a number" in found[0]
    assert "no row to validate on" in found[1]


def test_missing_columns_are_listed_with_suggestions():
    table = read_table("concrete").rename(columns={"Water": "water", "Age": "age"})

    assert find_problems(table, read_study("concrete")) == [
        "has no column 'Water'; did you mean 'water'?",
        "has no column 'Age'; did you mean 'age'?",
    ]


def test_a_table_with_another_separator_is_one_problem():
    (column,) = [";".join(read_table("concrete").columns)]

    (found,) = find_problems(pd.DataFrame({column: ["1;2"]}), read_study("concrete"))

    assert found.startswith("has no column 'Cement', ")
    assert "write it in its catalog entry: format: {sep: ...}" in found


def test_splits_with_the_same_problem_are_listed_once():
    table = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]})
    study = read_study("concrete", target={"column": "y"}, replicas__splits=5,
                       preprocessing={"passthrough": ["x"]})  # fmt: skip

    (found,) = find_problems(table, study)

    assert found.startswith("split 0: column 'y' is ")
    assert found.endswith(" (4 more splits cannot be used)")


def test_advice_for_an_empty_target_is_another_target():
    table = read_table("concrete").assign(CompressiveStrength=None)

    (found,) = find_problems(table, read_study("concrete"))

    assert found.endswith("missing in all 1030 rows; choose another column for target.column")


def test_problems_of_the_whole_table_are_listed():
    table = pd.DataFrame(
        {"x": [1.0, None, 3.0, 4.0], "z": [None, 2.0, None, None], "y": [1, 2, 3, 4]}
    )
    study = read_study(
        "concrete",
        missing="drop",
        target={"column": "y"},
        preprocessing={"passthrough": ["x", "z"]},
    )

    (found,) = find_problems(table, study)

    assert "no rows are left" in found


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_are_a_problem(rows):
    assert find_problems(read_table("concrete").head(rows), read_study("concrete"))


WIDE = [f"x{number}" for number in range(100)]


def wide_study(**changes: object) -> Study:
    return read_study(
        "concrete", target__column="y", preprocessing={"passthrough": WIDE}, **changes
    )


def test_only_the_bad_ones_of_many_columns_are_listed():
    chance = np.random.default_rng(0)
    table = pd.DataFrame(chance.normal(size=(60, 100)), columns=WIDE)
    table = table.assign(y=chance.normal(size=60), x3="a", x5=None, x97=np.inf)

    problems = find_problems(table, wide_study())

    assert [re.findall(r"'(x\d+)'", one)[0] for one in problems] == ["x3", "x5", "x97"]


def test_good_columns_are_checked_in_batches(monkeypatch):
    calls = []
    monkeypatch.setattr(
        check, "check_table", lambda *given: calls.append(given) or check_table(*given)
    )
    chance = np.random.default_rng(0)
    table = pd.DataFrame(chance.normal(size=(60, 100)), columns=WIDE)

    assert find_problems(table.assign(y=chance.normal(size=60)), wide_study()) == []
    assert len(calls) < 12
    # The whole of a wide table is not copied for each check.
    assert sum(len(given.columns) for given, _ in calls) < 400


def test_the_first_bad_value_is_reported_with_their_number():
    table = pd.DataFrame(0.0, index=range(60), columns=WIDE).assign(y=np.arange(60.0))
    table = table.astype(object)
    table.loc[40, WIDE] = "b"
    table.loc[7, "x80"] = "a"

    with pytest.raises(BadInputError, match=r"^column 'x80', row 7: 'a' is .*\(100 more like it\)"):
        check_table(table, wide_study())
