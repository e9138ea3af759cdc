from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from kedro.io.core import Version

from conftest import assert_refused
from dropnorm.cli.study.project import open_project
from dropnorm.config_loader import project_config
from stored_versions import MIDDLE, NEW, NEWEST, OLD, write_version


def files(project) -> set[str]:
    return {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}


def test_each_study_is_listed_with_its_rows_target_split_and_no_run(command, configured):
    done = command("list")

    assert done.exit_code == 0, done.output
    lines = {line.split()[0]: line for line in done.output.splitlines()}
    assert set(lines) == {"study", "concrete", "spotify", "wine"}
    for expected in ("1030", "CompressiveStrength", "random", "none yet"):
        assert expected in lines["concrete"]
    for expected in ("no table", "groups of track_artist"):
        assert expected in lines["spotify"]
    assert not (configured / "data/01_raw/spotify.csv").exists()  # a list downloads nothing


def test_the_last_complete_run_answers_and_an_incomplete_one_does_not(command, configured):
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


def test_a_study_with_a_mistake_does_not_keep_others_from_the_list(command, configured):
    file = configured / "conf/base/parameters/wine.yml"
    file.write_text(file.read_text().replace("epochs: 100", "epochs: 0"))

    done = command("list")

    assert done.exit_code == 0
    told = " ".join(done.output.split())
    assert "conf/base/parameters/wine.yml: wine.training.epochs is 0" in told
    assert "all problems: kedro study check wine" in told
    assert "CompressiveStrength" in done.output


def test_a_study_that_refers_to_itself_does_not_keep_others_from_the_list(command, configured):
    (configured / "conf/base/parameters/wine.yml").write_text("wine:\n  title: ${wine}\n")

    done = command("list")

    assert done.exit_code == 0
    told = " ".join(done.output.split())
    assert "conf/base/parameters/wine.yml: wine.title: leads back to itself, by ${...}" in told
    assert "CompressiveStrength" in done.output


def test_a_table_that_cannot_be_read_does_not_keep_others_from_the_list(command, configured):
    (configured / "data/01_raw/concrete.csv").write_bytes(b"")
    entry = {"wine.table": {"type": "pandas.CSVDataset", "filepath": "nope://wine.csv"}}
    catalog = configured / "conf/local/catalog.yml"
    catalog.write_text(yaml.safe_dump(entry))

    done = command("list")

    assert done.exit_code == 0, done.output
    lines = {line.split()[0]: line for line in done.output.splitlines()}
    for study, told in (("concrete", "not readable"), ("wine", "not readable"), ("spotify", "no")):
        assert told in lines[study]


def test_a_run_that_was_damaged_does_not_keep_others_from_the_list(command, configured):
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


def overridden(**changes):
    """Say in a record what a run with other epochs says."""
    options = project_config().study("concrete").model_dump(mode="json")
    options["training"] = {**options["training"], "epochs": 5}
    told = {"training.epochs": {"run": 5, "study": 100, "by": "--params"}}
    return {"options": options, "environment": None, "overridden": told, **changes}


def test_a_run_with_other_options_is_not_taken_for_the_studys_own(command, configured):
    write_version(OLD, error=2.0)
    write_version(NEW, error=4.0, **overridden())

    assert OLD in line_of(command("list"))
    assert "overridden" not in line_of(command("list"))


def test_where_all_runs_had_other_options_the_newest_is_shown_and_marked(command, configured):
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


def test_a_study_that_was_changed_since_its_run_is_listed_with_the_change(command, configured):
    write_version(NEW, **overridden(overridden={}))

    assert "options changed since: training.epochs 5 (study: 100)" in line_of(command("list"))


def test_copies_and_records_that_name_nothing_are_skipped_and_told(command, configured):
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


def test_results_that_the_system_refuses_do_not_keep_others_from_the_list(command, configured):
    folder = configured / "data/08_reporting/concrete"
    folder.parent.mkdir()
    folder.symlink_to("x" * 300)

    done = command("list")

    assert done.exit_code == 0, done.output
    assert "results cannot be read: File name too long" in line_of(done)
    assert "quality" in done.output


def test_old_versions_and_old_incomplete_ones_are_removed_in_all_layers(command, configured):
    before = files(configured)
    for version, complete in ((OLD, True), (MIDDLE, False), (NEW, True), (NEWEST, False)):
        write_version(version, complete=complete)
    written = files(configured) - before

    done = command("prune", "concrete", "--keep", 1)

    assert done.exit_code == 0, done.output
    removed = {path for path in written if NEW not in path or NEWEST in path}
    assert files(configured) == before | written - removed
    whole = len([path for path in removed if OLD in path])
    assert whole > len([path for path in removed if MIDDLE in path]) == 3
    assert f"removing version {OLD} ({whole} files" in done.output
    assert f"removing version {MIDDLE} (3 files, 0.0 MB, incomplete)" in done.output
    assert "concrete: 3 versions removed, 1 kept" in done.output


def test_a_dry_run_removes_nothing(command, configured):
    write_version(OLD)
    write_version(NEW)
    before = files(configured)

    done = command("prune", "concrete", "--keep", 1, "--dry-run")

    assert f"would remove version {OLD}" in done.output
    assert "1 version would be removed, 1 kept" in done.output
    assert files(configured) == before


@pytest.mark.parametrize(
    ("keep", "kept", "told"),
    [
        (1, {MIDDLE}, "1 with the study's own options, 0 with overridden options"),
        (2, {MIDDLE, OLD}, "2 with the study's own options, 0 with overridden options"),
        (3, {MIDDLE, OLD, NEWEST}, "2 with the study's own options, 1 with overridden options"),
    ],
)
def test_a_run_with_overridden_options_takes_no_place_of_an_own_run(
    command, configured, keep, kept, told
):
    for version in (OLD, MIDDLE):
        write_version(version)
    for version in (NEW, NEWEST):
        write_version(version, **overridden())

    done = command("prune", "concrete", "--keep", keep)

    assert done.exit_code == 0, done.output
    record = configured / "data/08_reporting/concrete/run.json"
    assert {path.name for path in record.iterdir() if path.is_dir()} == kept
    assert done.output.endswith(f" removed, {keep} kept; {told} (overridden ones count as older)\n")
    assert f"removing version {NEW} (" in done.output
    assert "MB, overridden options)" in done.output


def test_the_record_goes_first_so_that_half_a_version_is_no_complete_one(
    command, configured, monkeypatch
):
    write_version(OLD)
    removed = []

    def interrupted(folder):
        removed.append(folder)
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", interrupted)
    done = command("prune", "concrete", "--keep", 0)

    assert done.exit_code != 0
    assert [folder.parent.name for folder in removed] == ["run.json"]


def test_predictions_and_tables_are_left_alone(command, configured):
    write_version(OLD)
    catalog = open_project(None, None).catalog
    name = "concrete.baseline.predictions"
    catalog.get(name, version=Version(None, OLD)).save(pd.DataFrame({"prediction": [1]}))

    command("prune", "concrete", "--keep", 0)

    assert (configured / "data/01_raw/concrete.csv").exists()
    assert [path for path in files(configured) if OLD in path] == [
        f"data/07_model_output/concrete/baseline/predictions.csv/{OLD}/predictions.csv"
    ]


def test_what_an_interrupted_run_has_left_is_removed_also_without_a_complete_version(
    command, configured
):
    write_version(OLD, complete=False)

    assert "1 version removed, 0 kept" in command("prune", "concrete", "--keep", 0).output
    assert not [path for path in files(configured) if OLD in path]


def test_a_version_whose_record_is_not_read_is_left_alone_and_told(command, configured):
    write_version(OLD)
    write_version(NEW)
    record = configured / f"data/08_reporting/concrete/run.json/{OLD}/run.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "files": []}))
    before = files(configured)

    done = command("prune", "concrete", "--keep", 1)

    assert f"left alone: version {OLD}, which is not read: its" in done.output
    assert files(configured) == before


RUN = "data/08_reporting/concrete/run.json"


@pytest.fixture
def going_on(configured):
    """A process that has claimed the version MIDDLE, as a run does, and goes on."""
    script = "\n".join(
        [
            "import sys, time",
            "from kedro.io import Version",
            "from dropnorm.datasets import RunRecordDataset",
            "record = RunRecordDataset(filepath=sys.argv[1], version=Version(None, None))",
            "print(record.claim(sys.argv[2]), flush=True)",
            "time.sleep(300)",
        ]
    )
    with subprocess.Popen([sys.executable, "-c", script, configured / RUN, MIDDLE],
                          stdout=subprocess.PIPE, text=True) as process:  # fmt: skip
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


@pytest.mark.parametrize("complete", [True, False])
def test_a_version_whose_run_goes_on_is_left_alone_until_its_process_is_gone(
    command, configured, going_on, complete
):
    write_version(MIDDLE, complete=complete)
    write_version(NEW)
    before = files(configured)

    done = command("prune", "concrete", "--keep", 0)

    assert done.exit_code == 0, done.output
    assert f"left alone: version {MIDDLE}, whose run goes on" in done.output
    assert "concrete: 1 version removed, 1 kept" in done.output
    assert files(configured) == {path for path in before if NEW not in path}

    going_on.kill()
    going_on.wait()
    done = command("prune", "concrete", "--keep", 0)

    assert f"removing version {MIDDLE} (" in done.output
    assert not [path for path in configured.rglob("*") if MIDDLE in path.name]  # nor its lock


def victim(configured):
    """A folder that is somebody else's, with what looks like a version and what does not."""
    place = configured.parent / f"{configured.name}-victim"
    beside = ("split.parquet", "concrete/split.parquet", "metrics.json")
    for name in (OLD, MIDDLE, "0_thesis", *(f"{folder}/{OLD}" for folder in beside)):
        (place / name).mkdir(parents=True)
        (place / name / "f.txt").write_text("precious")
    return place


@pytest.mark.parametrize(
    "link",
    [
        f"{RUN}/{MIDDLE}",
        "data/08_reporting/concrete/baseline/metrics.json",
        "data/08_reporting/concrete/baseline",
        "data/05_model_input/concrete",
        "data/05_model_input",
    ],
)
def test_what_lies_behind_a_link_is_never_removed(command, configured, link):
    place = victim(configured)
    write_version(OLD)
    write_version(NEW)
    before = files(place)
    if (configured / link).exists():
        shutil.rmtree(configured / link)
    (configured / link).symlink_to(place, target_is_directory=True)

    for _ in range(2):
        done = command("prune", "concrete", "--keep", 1)

        assert done.exit_code == 0, done.output
        assert done.output.count(f"left alone: {link}, which is a link\n") == 1
        assert files(place) == before
        assert (configured / link).is_symlink()
    assert [path for path in files(configured) if NEW in path]
    assert f"{RUN}/{OLD}/run.json" not in files(configured)


def test_data_that_is_a_link_as_a_whole_is_the_studys_own(command, configured):
    write_version(OLD)
    write_version(NEW)
    disk = configured.parent / f"{configured.name}-disk"
    (configured / "data").rename(disk)
    (configured / "data").symlink_to(disk, target_is_directory=True)

    done = command("prune", "concrete", "--keep", 1)

    assert "1 version removed, 1 kept" in done.output
    assert "left alone" not in done.output
    assert not [path for path in files(disk) if OLD in path]


@pytest.mark.parametrize(
    "name", ["0 my notes", "2020-01-01", f"{OLD}.bak", f"{OLD}\n", OLD.lower(), "n" * 200]
)
def test_a_folder_that_is_named_as_no_version_is_left_alone(command, configured, name):
    write_version(OLD)
    write_version(NEW)
    notes = configured / RUN / name / "n.txt"
    notes.parent.mkdir()
    notes.write_text("mine")

    done = command("prune", "concrete", "--keep", 1)

    assert done.exit_code == 0, done.output
    (line,) = (one for one in done.output.splitlines() if "left alone" in one)
    assert line.startswith(f"left alone in {RUN}: {name[:60]!r}")
    assert line.endswith("which no run has written")
    assert notes.read_text() == "mine"
    assert "1 version removed" in done.output


def test_results_that_lie_elsewhere_are_left_alone(command, configured):
    write_version(OLD)
    place = "elsewhere/comparison.csv"
    entry = {"concrete.comparison": {"type": "pandas.CSVDataset", "filepath": place,
                                     "versioned": True}}  # fmt: skip
    (configured / "conf/local/catalog.yml").write_text(yaml.safe_dump(entry))
    (configured / place / OLD).mkdir(parents=True)

    done = command("prune", "concrete", "--keep", 0)

    assert f"left alone: {place}, which is not in the study's own folders" in done.output
    assert (configured / place / OLD).is_dir()


@pytest.mark.parametrize("arguments", [("prune", "concret", "--keep", 1), ("check", "concret")])
def test_an_unknown_study_is_refused(command, arguments):
    assert_refused(command(*arguments), "no study 'concret'; did you mean 'concrete'?")


def test_no_command_that_looks_imports_an_engine(project):
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


def test_outside_a_project_there_is_nothing_to_list(command, configured, monkeypatch):
    monkeypatch.chdir(configured.parent)

    assert_refused(command("list"), "there is no Kedro project here")


def test_trainings_kept_for_later_runs_are_forgotten_beyond_a_size(command, configured):
    write_version(NEW)
    kept = configured / "data" / ".memory" / "joblib" / "train" / ("0" * 32) / "output.pkl"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"0" * 2_000_000)

    done = command("prune", "concrete", "--keep", 1, "--memory", 3)
    assert done.exit_code == 0, done.output
    assert kept.exists()

    done = command("prune", "concrete", "--keep", 1, "--memory", 1)
    assert done.output.splitlines()[-1] == "data/.memory: at most 1 MB of trainings kept"
    assert not kept.exists()
