import pandas as pd
import pytest
from atlas.__main__ import smallest_first
from atlas.recipe import (
    Checksum,
    Recipe,
    RecipeError,
    Table,
    read_checksums,
    read_recipe,
    write_checksums,
)
from atlas.tables import FEWEST_ROWS, MOST_ROWS, chosen, write_tables


def table(**said):
    options = {"task": None, "groups": None, "drop": {}, "columns": ()}
    return Table(
        **({"name": "cars", "package": "P", "frame": "Cars", "target": "y"} | options | said)
    )


def frame(rows=FEWEST_ROWS):
    return pd.DataFrame({"y": range(rows), "x": 1.5, "copy": range(rows)})


def test_the_recipe_has_40_tables_and_more_each_with_its_checksum_and_within_the_bounds():
    recipe, checksums = read_recipe(), read_checksums()

    assert len(recipe.tables) >= 40
    assert [one.name for one in recipe.tables] == list(checksums)
    assert all(FEWEST_ROWS <= one.rows <= MOST_ROWS for one in checksums.values())


def test_every_package_has_a_licence_and_no_frame_is_both_taken_and_excluded():
    recipe = read_recipe()
    taken = [f"{one.package}/{one.frame}" for one in recipe.tables]

    assert all(package.licence for package in recipe.packages.values())
    assert len(set(taken)) == len(taken)
    assert set(taken) & set(recipe.excluded) == set()
    assert all(reason.strip() for one in recipe.tables for reason in one.drop.values())
    assert all(str(reason).strip() for reason in recipe.excluded.values())


def test_no_table_is_boston_housing():
    assert not [one for one in read_recipe().tables if "boston" in one.frame.lower()]


def test_a_table_of_an_unknown_package_is_refused(tmp_path):
    path = tmp_path / "recipe.yml"
    path.write_text("packages: {}\ntables: {cars: {frame: P/Cars, target: y}}\nexcluded: {}\n")

    with pytest.raises(RecipeError, match="table cars: no package 'P'"):
        read_recipe(path)


def test_dropped_columns_and_rows_without_a_target_are_left_out():
    rows = frame(FEWEST_ROWS + 1)
    rows.loc[0, "y"] = None

    left = chosen(table(drop={"copy": "the target"}), rows)

    assert list(left.columns) == ["y", "x"]
    assert len(left) == FEWEST_ROWS


def test_named_columns_are_all_that_are_taken():
    assert list(chosen(table(columns=("x", "y")), frame()).columns) == ["x", "y"]


@pytest.mark.parametrize(
    ("said", "rows", "message"),
    [
        ({"target": "z"}, FEWEST_ROWS, "Cars has no column z"),
        ({"groups": "id"}, FEWEST_ROWS, "has no column id"),
        ({}, FEWEST_ROWS - 1, "299 rows have a target"),
        ({}, MOST_ROWS + 1, "60001 rows have a target"),
    ],
)
def test_a_table_that_the_recipe_does_not_fit_is_refused(said, rows, message):
    with pytest.raises(RecipeError, match=message):
        chosen(table(**said), frame(rows))


def bundled_recipe():
    recipe = read_recipe()
    tables = tuple(one for one in recipe.tables if one.name == "diabetes")
    return Recipe(recipe.packages, tables, {})


def test_a_written_table_has_the_checksum_of_the_recipe(tmp_path):
    expected = read_checksums()

    written = write_tables(bundled_recipe(), tmp_path / "tables", tmp_path, expected)

    assert written == {"diabetes": expected["diabetes"]}
    assert len(pd.read_csv(tmp_path / "tables" / "diabetes.csv")) == expected["diabetes"].rows


def test_a_table_with_another_checksum_is_refused_and_not_written(tmp_path):
    expected = {"diabetes": Checksum(442, 11, "0" * 64)}

    with pytest.raises(RecipeError, match=r"table diabetes: .* but the recipe says"):
        write_tables(bundled_recipe(), tmp_path / "tables", tmp_path, expected)

    assert list((tmp_path / "tables").iterdir()) == []


def test_checksums_that_are_written_are_read_again(tmp_path):
    checksums = {"cars": Checksum(400, 3, "ab" * 32)}

    write_checksums(checksums, tmp_path / "tables.csv")

    assert read_checksums(tmp_path / "tables.csv") == checksums


def test_small_files_come_first_and_a_missing_one_is_told(tmp_path):
    (tmp_path / "large.csv").write_text("x\n" * 9)
    (tmp_path / "small.csv").write_text("x\n")
    tables = [table(name="large"), table(name="small")]

    assert [one.name for one in smallest_first(tables, tmp_path)] == ["small", "large"]
    with pytest.raises(RecipeError, match=r"has no cars\.csv: python -m atlas tables writes it"):
        smallest_first([table()], tmp_path)
