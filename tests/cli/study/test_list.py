from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import yaml

from conftest import assert_refused
from stored_versions import MIDDLE, NEW, OLD, overridden, write_version


def test_studies_are_listed_with_rows_target_and_split(command, configured):
    done = command("list")

    assert done.exit_code == 0, done.output
    lines = {line.split()[0]: line for line in done.output.splitlines()}
    assert set(lines) == {"study", "concrete", "spotify", "wine"}
    for expected in ("1030", "CompressiveStrength", "random", "none yet"):
        assert expected in lines["concrete"]
    for expected in ("no table", "groups of track_artist"):
        assert expected in lines["spotify"]
    assert not (configured / "data/01_raw/spotify.csv").exists()  # a list downloads nothing


def test_the_list_shows_the_last_complete_run(command, configured):
    write_version(OLD, error=2.0)
    write_version(MIDDLE, error=4.0)
    write_version(NEW, complete=False, error=6.0)

    (line,) = (one for one in command("list").output.splitlines() if one.startswith("concrete"))

    assert " 10 " in line  # the rows of the run, not of the table
    assert MIDDLE in line
    assert (
        "use dropout; dropout: rescues training; batchnorm: rescues training;"
        " dropout 4.00 < batchnorm 8.00 < dropout + batchnorm 12.0 MPa; 5 splits"
    ) in " ".join(command("list").output.split())


def test_an_invalid_study_does_not_hide_the_others(command, configured):
    file = configured / "conf/base/parameters/wine.yml"
    file.write_text(file.read_text().replace("epochs: 100", "epochs: 0"))

    done = command("list")

    assert done.exit_code == 0
    output = " ".join(done.output.split())
    assert "conf/base/parameters/wine.yml: wine.training.epochs is 0" in output
    assert "all problems: kedro study check wine" in output
    assert "CompressiveStrength" in done.output


def test_a_study_that_refers_to_itself_does_not_hide_the_others(command, configured):
    (configured / "conf/base/parameters/wine.yml").write_text("wine:\n  title: ${wine}\n")

    done = command("list")

    assert done.exit_code == 0
    output = " ".join(done.output.split())
    assert "conf/base/parameters/wine.yml: wine.title: leads back to itself, by ${...}" in output
    assert "CompressiveStrength" in done.output


def test_an_unreadable_table_does_not_hide_other_studies(command, configured):
    (configured / "data/01_raw/concrete.csv").write_bytes(b"")
    entry = {"wine.table": {"type": "pandas.CSVDataset", "filepath": "nope://wine.csv"}}
    catalog = configured / "conf/local/catalog.yml"
    catalog.write_text(yaml.safe_dump(entry))

    done = command("list")

    assert done.exit_code == 0, done.output
    lines = {line.split()[0]: line for line in done.output.splitlines()}
    for study, told in (("concrete", "not readable"), ("wine", "not readable"), ("spotify", "no")):
        assert told in lines[study]


def test_a_damaged_run_does_not_hide_other_studies(command, configured):
    write_version(NEW)
    place = configured / f"data/08_reporting/concrete/effects.json/{NEW}/effects.json"
    place.write_text("changed")

    done = command("list")

    assert done.exit_code == 0, done.output
    (line,) = (one for one in done.output.splitlines() if one.startswith("concrete"))
    assert NEW in line
    assert "changed or lost" in line
    assert "wine" in done.output


def line_of(done, study="concrete"):
    (_, line) = done.output.split(f"\n{study}", 1)
    return " ".join(line.partition("\nspotify")[0].split())


def test_a_run_with_overridden_options_is_not_listed_first(command, configured):
    write_version(OLD, error=2.0)
    write_version(NEW, error=4.0, **overridden())

    assert OLD in line_of(command("list"))
    assert "overridden" not in line_of(command("list"))


def test_the_newest_overridden_run_is_shown_if_all_are(command, configured):
    write_version(OLD, **overridden())
    write_version(NEW, **overridden())

    told = line_of(command("list"))

    assert NEW in told
    assert "not the study's own options: training.epochs 5 (study: 100)" in told
    refused = command("predict", "concrete", "--input", "a.csv", "--output", "b.csv")
    assert_refused(
        refused,
        "no complete run of 'concrete' has the study's own options; version"
        rf" {NEW} .*training.epochs 5 \(study: 100\)",
    )
    assert "--version" in refused.stderr


def test_changes_of_a_study_since_its_run_are_listed(command, configured):
    write_version(NEW, **overridden(overridden={}))

    assert "options changed since: training.epochs 5 (study: 100)" in line_of(command("list"))


def test_copied_folders_and_empty_records_are_skipped_with_a_reason(command, configured):
    write_version(OLD, error=2.0)
    write_version(NEW, error=4.0)
    for folder in (configured / "data").rglob(NEW):
        shutil.copytree(folder, folder.with_name(f"{NEW}.bak"))
    record = configured / f"data/08_reporting/concrete/run.json/{NEW}/run.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "files": []}))

    told = line_of(command("list"))

    assert "dropout 2.00 <" in told
    assert OLD in told
    assert f"{NEW}.bak is skipped: its folder is not named as Kedro names versions" in told
    assert "and 1 more" in told
    for version in (NEW, f"{NEW}.bak"):
        assert_refused(
            command("predict", "concrete", "--input=a", "--output=b", "--version", version),
            f"version {version} of the study 'concrete' is not read: its",
        )


def test_unreadable_results_do_not_hide_other_studies(command, configured):
    folder = configured / "data/08_reporting/concrete"
    folder.parent.mkdir()
    folder.symlink_to("x" * 300)

    done = command("list")

    assert done.exit_code == 0, done.output
    assert "results cannot be read: File name too long" in line_of(done)
    assert "quality" in done.output


def test_list_check_prune_and_new_import_no_engine(project):
    script = "\n".join(
        [
            "import sys",
            "from pathlib import Path",
            "from click.testing import CliRunner",
            "from kedro.framework.startup import bootstrap_project",
            "bootstrap_project(Path.cwd())",
            "from dropnorm.cli.main import cli",
            "for words in (['--help'], ['list'], ['check', 'concrete'],",
            "              ['prune', 'concrete', '--keep', '1'],",
            "              ['new', 'red', '--csv', 'data/01_raw/red-wine.csv', '--target', 'pH']):",
            "    done = CliRunner().invoke(cli, ['study', *words])",
            "    assert done.exit_code == 0, done.output",
            "print({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules))",
        ]
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=project, text=True, check=False,
                          capture_output=True, env={**os.environ, "COLUMNS": "200"})  # fmt: skip

    assert done.stdout.splitlines()[-1:] == ["set()"], done.stderr


def test_outside_a_project_list_is_refused(command, configured, monkeypatch):
    monkeypatch.chdir(configured.parent)

    assert_refused(command("list"), "there is no Kedro project here")
