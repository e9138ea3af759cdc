"""What the command line says of itself: help, documentation, completion, hints."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from conftest import ROOT
from dropnorm.cli.main import cli
from dropnorm.cli.study.group import study
from dropnorm.study.variants import Variant
from stored_versions import NEW, OLD, write_version

COMMANDS = study.commands
# Of Kedro's, or said once for all.
EVERYWHERE = {"--help", "--env", "--conf-source"}


def documented(name: str) -> str:
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## `kedro study {name}\b.*?\n(.*?)^## ", page, re.M | re.S)
    return section


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented_and_says_what_it_does(name):
    section = documented(name)

    for param in COMMANDS[name].params:
        if isinstance(param, click.Option) and not EVERYWHERE & set(param.opts):
            assert f"`{param.opts[0]}" in section or f"`{param.opts[-1]}" in section
            assert param.help
    assert COMMANDS[name].get_short_help_str(limit=100)[-3:] != "..."


def test_no_option_is_documented_that_there_is_not():
    for name in COMMANDS:
        known = {opt for param in COMMANDS[name].params for opt in param.opts}
        assert set(re.findall(r"`(--[a-z-]+)", documented(name))) <= known


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_narrow_terminal(name):
    done = CliRunner().invoke(study, [name, "--help"], terminal_width=80)

    assert done.exit_code == 0
    # Examples stand as they are typed.
    long = [one for one in done.output.splitlines() if len(one) > 80 and "kedro " not in one]
    assert not long


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["swep"], "Did you mean 'sweep'?"),
        (["check", "wine", "--conf-surce=x"], "Did you mean '--conf-source'?"),
        (["predict", "wine"], "Missing option '--input'"),
    ],
)
def test_a_command_line_that_is_wrong_names_the_nearest_and_ends_with_2(words, told):
    done = CliRunner().invoke(study, words)

    assert done.exit_code == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    ("words", "incomplete", "expected"),
    [
        (["study"], "re", ["recommend", "rerun"]),
        (["study", "check"], "w", ["wine"]),
        (["study", "sweep", "wine"], "--dro", ["--dropout"]),
        (["study", "rerun", "concrete", "--version"], "2026-01-03", [NEW]),
        (["study", "compare", "concrete"], "n", ["newest"]),
        (["study", "compare", "concrete", "newest"], "2026", [NEW, OLD]),
        (["study", "predict", "wine", "--variant"], "b", [Variant.BASELINE, Variant.BATCHNORM]),
        (["study", "list", "--env"], "s", ["sample", "standardized"]),
        (["run", "--pipelines"], "wine,con", ["wine,concrete", "wine,concrete.sweep",
                                              "wine,concrete.recommend", "wine,concrete.predict"]),
        (["study", "check", "--conf-source", "nowhere"], "w", []),
    ],
)  # fmt: skip
def test_a_shell_completes_names_that_there_are(configured, words, incomplete, expected):
    write_version(OLD)
    write_version(NEW)

    complete = ShellComplete(cli, {}, "kedro", "_KEDRO_COMPLETE")

    offered = [one.value for one in complete.get_completions(words, incomplete)]
    assert offered == expected


def test_outside_a_project_a_shell_is_told_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    complete = ShellComplete(cli, {}, "kedro", "_KEDRO_COMPLETE")

    assert complete.get_completions(["study", "check"], "") == []
    assert not list(Path(tmp_path).iterdir())
