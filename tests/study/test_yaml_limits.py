from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from conftest import assert_refused
from dropnorm.errors import BadInputError
from dropnorm.study.yaml_limits import (
    names_at_top,
    refuse_reference_bomb,
    refuse_yaml_bomb,
    why_too_large,
)

EVIL = Path("conf/base/parameters/evil.yml")


def laughs(levels: int, times: int, entry: str = "[{}]") -> str:
    """Return a text in which every level repeats the one before it."""
    lines = ["_a0: &a0 {x: 1}"]
    for level in range(1, levels + 1):
        inner = ", ".join([f"*a{level - 1}"] * times)
        lines.append(f"_a{level}: &a{level} {entry.format(inner)}")
    return "\n".join(lines) + "\n"


def references(levels: int, times: int, dot: str = "") -> dict[str, str]:
    return {"_a0": "x"} | {
        f"_a{level}": f"${{{dot}_a{level - 1}}}" * times for level in range(1, levels + 1)
    }


@pytest.mark.parametrize("entry", ["[{}]", "{{<<: [{}]}}"])
@pytest.mark.parametrize(("levels", "times"), [(6, 10), (17, 2), (2, 400)])
def test_aliases_that_unpack_to_too_many_values_are_refused(entry, levels, times):
    before = time.perf_counter()

    with pytest.raises(
        BadInputError, match=r"^evil\.yml: line \d+: aliases .* unpack to more than 100000 values"
    ):
        refuse_yaml_bomb(laughs(levels, times, entry), "evil.yml")

    assert time.perf_counter() - before < 5


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 101 + "]" * 101,
        "[" * 100_000,
        "_a0: &a0 [1]\n" + "".join(f"_a{i + 1}: &a{i + 1} [*a{i}]\n" for i in range(101)),
    ],
)
def test_deep_nesting_is_refused_also_through_aliases(text):
    with pytest.raises(BadInputError, match="is nested more than 100 levels deep"):
        refuse_yaml_bomb(text, "evil.yml")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: *nowhere",
        "a: [",
        laughs(4, 10),
        "a: " + "[" * 98 + "]" * 98,
        "a: &a [" + "1, " * 80_000 + "2]\nb: *a",
        "x:\n" + "".join(f"  k{i}: [1, 2, a{i}]\n" for i in range(60_000)),  # large, without alias
    ],
    ids=range(7),
)
def test_ordinary_yaml_passes(text):
    assert why_too_large(text) == ""


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: 1,\n  c: [2, {<<: *a}]}"])
def test_a_recursive_alias_is_refused_with_its_line(text):
    with pytest.raises(
        BadInputError, match=r"^evil\.yml: line [12]: the alias \*a leads back to itself$"
    ):
        refuse_yaml_bomb(text, "evil.yml")


def test_a_redefined_anchor_inside_itself_is_not_recursive():
    assert why_too_large("a: &a [&a 1, *a]") == ""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("wine: {title: a, b: [c]}\n'x': 1\n_y: &a [1]\nz: *a\n", ["wine", "x", "_y", "z"]),
        ("? [a, b]\n: 1\nwine: 2\n", ["wine"]),
        ("- a\n", []),
        ("3", []),
        ("wine: [", []),
        ("", []),
    ],
)
def test_top_level_names_are_found_without_loading_the_file(text, names):
    assert names_at_top(text) == names


def test_a_redefined_anchor_counts_as_at_its_use():
    big = "[" + "1, " * 60_000 + "2]"

    assert why_too_large(f"a: &a 1\nb: [*a, *a]\nc: &a {big}\n") == ""
    assert "unpack to more" in why_too_large(f"a: &a {big}\nb: [{'*a, ' * 9}1]\nc: &a 1\n")


@pytest.mark.parametrize(
    "values",
    [
        references(6, 10),
        references(17, 2),
        {"_a": references(6, 10, ".")},
        {"_a0": ["x"]} | {f"_a{i}": [f"${{oc.select:_a{i - 1}}}"] * 10 for i in range(1, 7)},
    ],
    ids=range(4),
)
def test_references_that_resolve_to_too_many_values_are_refused(values):
    with pytest.raises(BadInputError, match=r"_\w+: references .* resolve to more than 100000"):
        refuse_reference_bomb(values, "parameters")


@pytest.mark.parametrize(
    "values",
    [
        {},
        references(4, 10),
        {"a": "${a}", "b": "${c}", "c": "${b}"},  # refused by the resolver
        {"a": "${nowhere}", "b": "${globals:data}/${a}.csv", "c": "${..up}"},
        {"a": {str(i): i for i in range(150_000)}, "b": "${a}"},
        {"a": ["${b}"] * 80_000, "b": None},
    ],
    ids=range(6),
)
def test_ordinary_references_pass(values):
    refuse_reference_bomb(values, "parameters")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (EVIL, laughs(9, 10), rf"{EVIL}: line \d+: aliases"),
        (Path("conf/base/catalog_evil.yml"), laughs(9, 10), r"catalog_evil\.yml: line \d+: alias"),
        (Path("conf/local/globals.yml"), laughs(9, 10), r"globals\.yml: line \d+: aliases"),
        (Path("conf/local/globals.yml"), "_a: " + "[" * 9999, "nested more than 100 levels"),
        (EVIL, yaml.safe_dump(references(12, 10)), r"parameters in conf: _a\d+: references"),
        (EVIL, f"_a: 1{':1' * 999}.5", "evil.yml: int too large"),
    ],
)
def test_commands_refuse_a_yaml_bomb_in_one_line(command, file, text, message):
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)

    assert_refused(command("list"), message)
