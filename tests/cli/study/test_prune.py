from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from kedro.io.core import Version

from conftest import assert_refused, complete_version
from dropnorm.cli.study.project import open_project
from stored_versions import MIDDLE, NEW, NEWEST, OLD, overridden, write_version


def files(project) -> set[str]:
    return {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}


def test_old_versions_are_removed_from_all_layers(command, configured):
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


def test_networks_that_the_study_no_longer_compares_are_removed_with_their_version(
    command, configured
):
    options = {"compare": {"baseline": {}, "wide": {"network": {"hidden": [9]}}}}
    before = files(configured)
    for version in (OLD, NEW):
        complete_version("concrete", version, options=options)
    written = files(configured) - before
    assert any("/wide/" in path and OLD in path for path in written)

    done = command("prune", "concrete", "--keep", 1)

    assert done.exit_code == 0, done.output
    assert files(configured) == before | {path for path in written if NEW in path}


def test_a_dry_run_removes_nothing(command, configured):
    write_version(OLD)
    write_version(NEW)
    before = files(configured)

    done = command("prune", "concrete", "--keep", 1, "--dry-run")

    assert f"would remove version {OLD}" in done.output
    assert "1 version would be removed, 1 kept" in done.output
    assert files(configured) == before


@pytest.mark.parametrize(
    ("keep", "kept", "counts"),
    [
        (1, {MIDDLE}, "1 with the study's own options, 0 with overridden options"),
        (2, {MIDDLE, OLD}, "2 with the study's own options, 0 with overridden options"),
        (3, {MIDDLE, OLD, NEWEST}, "2 with the study's own options, 1 with overridden options"),
    ],
)
def test_runs_with_overridden_options_are_removed_first(command, configured, keep, kept, counts):
    for version in (OLD, MIDDLE):
        write_version(version)
    for version in (NEW, NEWEST):
        write_version(version, **overridden())

    done = command("prune", "concrete", "--keep", keep)

    assert done.exit_code == 0, done.output
    record = configured / "data/08_reporting/concrete/run.json"
    assert {path.name for path in record.iterdir() if path.is_dir()} == kept
    assert done.output.endswith(
        f" removed, {keep} kept; {counts} (overridden ones count as older)\n"
    )
    assert f"removing version {NEW} (" in done.output
    assert "MB, overridden options)" in done.output


def test_the_record_of_a_version_is_removed_first(command, configured, monkeypatch):
    write_version(OLD)
    removed = []

    def interrupted(folder):
        removed.append(folder)
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", interrupted)
    done = command("prune", "concrete", "--keep", 0)

    assert done.exit_code != 0
    assert [folder.parent.name for folder in removed] == ["run.json"]


def test_predictions_and_tables_are_kept(command, configured):
    write_version(OLD)
    catalog = open_project(None, None).catalog
    name = "concrete.baseline.predictions"
    catalog.get(name, version=Version(None, OLD)).save(pd.DataFrame({"prediction": [1]}))

    command("prune", "concrete", "--keep", 0)

    assert (configured / "data/01_raw/concrete.csv").exists()
    assert [path for path in files(configured) if OLD in path] == [
        f"data/07_model_output/concrete/baseline/predictions.csv/{OLD}/predictions.csv"
    ]


def test_files_of_interrupted_runs_are_removed(command, configured):
    write_version(OLD, complete=False)

    assert "1 version removed, 0 kept" in command("prune", "concrete", "--keep", 0).output
    assert not [path for path in files(configured) if OLD in path]


def test_a_version_with_an_unreadable_record_is_kept_and_reported(command, configured):
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
def test_the_version_of_a_running_process_is_kept(command, configured, going_on, complete):
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
def test_files_behind_a_link_are_kept(command, configured, link):
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


def test_a_linked_data_folder_is_pruned(command, configured):
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
def test_folders_not_named_as_versions_are_kept(command, configured, name):
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


def test_results_outside_the_data_folder_are_kept(command, configured):
    write_version(OLD)
    place = "elsewhere/comparison.csv"
    entry = {"concrete.comparison": {"type": "pandas.CSVDataset", "filepath": place,
                                     "versioned": True}}  # fmt: skip
    (configured / "conf/local/catalog.yml").write_text(yaml.safe_dump(entry))
    (configured / place / OLD).mkdir(parents=True)

    done = command("prune", "concrete", "--keep", 0)

    assert f"left alone: {place}, which is not in the study's own folders" in done.output
    assert (configured / place / OLD).is_dir()


def test_an_unknown_study_is_not_pruned(command):
    refused = command("prune", "concret", "--keep", 1)

    assert_refused(refused, "no study 'concret'; did you mean 'concrete'?")


def test_kept_trainings_are_removed_beyond_a_size(command, configured):
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
