from __future__ import annotations

import hashlib
import json
import re
import tempfile
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DataCatalog, DatasetError, Version
from kedro.io.core import generate_timestamp
from kedro_viz.models.flowchart.node_metadata import DataNodeMetadata
from kedro_viz.models.flowchart.nodes import GraphNode

from dropnorm.datasets import RunRecordDataset
from dropnorm.datasets.run_record import is_version, sha256
from dropnorm.evaluation.records import RunRecord, WrittenFile

V1, V2, V3 = (f"2024-05-0{day}T10.00.00.000Z" for day in (1, 2, 3))


def record(data, version=V1, study="wine"):
    path = data / "08_reporting" / study / "run.json"
    return RunRecordDataset(filepath=str(path), version=Version(version, version))


def write(data, name, version, content=b"x", study="wine"):
    """Write a file as Kedro names a versioned one; `name` is `layer/.../file`."""
    layer, *rest = name.split("/")
    path = data.joinpath(layer, study, *rest, version, rest[-1])
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path.relative_to(data).as_posix()


def test_a_record_names_each_file_of_its_version_with_size_and_checksum(tmp_path):
    contents = {
        "05_model_input/split.csv": b"a,b\n",
        "07_model_output/dropout/training.json": b"",
        "08_reporting/comparison.csv": bytes(range(256)) * 999,
    }
    paths = {write(tmp_path, name, V1, content): content for name, content in contents.items()}

    record(tmp_path).save(RunRecord())

    assert record(tmp_path).load().files == tuple(
        WrittenFile(path, len(content), hashlib.sha256(content).hexdigest())
        for path, content in sorted(paths.items())
    )


def test_a_record_names_every_file_of_a_versioned_folder(tmp_path):
    folder = tmp_path / "06_models" / "wine" / "dropout" / V1 / "dropout"
    folder.mkdir(parents=True)
    for name in ("split_0-start_0.keras", "split_0-start_1.keras"):
        (folder / name).write_bytes(b"weights")

    record(tmp_path).save(RunRecord())

    assert [Path(file.path).name for file in record(tmp_path).load().files] == [
        "split_0-start_0.keras", "split_0-start_1.keras",
    ]  # fmt: skip


def test_a_record_leaves_out_other_versions_other_studies_and_what_has_no_version(tmp_path):
    own = write(tmp_path, "08_reporting/comparison.csv", V1)
    write(tmp_path, "08_reporting/comparison.csv", V2)
    write(tmp_path, "08_reporting/comparison.csv", V1, study="wine_2")
    write(tmp_path, "08_reporting/wine/comparison.csv", V1, study="concrete")
    (tmp_path / "08_reporting" / "wine" / "notes.txt").write_text("mine")
    (tmp_path / "08_reporting" / f"wine-{V1}.txt").write_text("mine")
    record(tmp_path, V2).save(RunRecord())

    record(tmp_path).save(RunRecord())

    assert [file.path for file in record(tmp_path).load().files] == [own]


names = st.sampled_from(
    ["05_model_input/split.csv", "07_model_output/dropout/training.json", "08_reporting/a.csv"]
)
runs = st.dictionaries(
    st.tuples(names, st.sampled_from([V1, V2, V3]), st.sampled_from(["wine", "concrete"])),
    st.binary(max_size=30),
)


@given(files=runs)
@settings(max_examples=20)
def test_the_records_of_all_runs_share_out_all_files(files):
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        expected = {}
        for (name, version, study), content in files.items():
            path = write(data, name, version, content, study)
            expected.setdefault((version, study), {})[path] = hashlib.sha256(content).hexdigest()

        for version in (V2, V3, V1):
            for study in ("wine", "concrete"):
                record(data, version, study).save(RunRecord())
                kept = RunRecordDataset(
                    filepath=str(data / "08_reporting" / study / "run.json"),
                    version=Version(version, None),
                ).load()
                named = {file.path: file.sha256 for file in kept.files}
                assert named == expected.get((version, study), {})
                assert kept.version == version


def test_all_goes_through_a_catalog_with_the_files_that_other_datasets_wrote(tmp_path):
    def at(*parts):
        return {"filepath": str(tmp_path.joinpath(*parts)), "versioned": True}

    entries = {
        "history": {
            "type": "pandas.CSVDataset", **at("08_reporting", "wine", "dropout", "history.csv"),
        },
        "metrics": {"type": "json.JSONDataset", **at("07_model_output", "wine", "metrics.json")},
        "run": {
            "type": "dropnorm.datasets.RunRecordDataset", **at("08_reporting", "wine", "run.json"),
        },
    }  # fmt: skip
    catalog = DataCatalog.from_config(entries, save_version=V1)
    catalog.save("history", pd.DataFrame({"loss": [1.0]}))
    catalog.save("metrics", {"loss": 1.0})
    catalog.save("run", RunRecord(study="wine"))

    kept = DataCatalog.from_config(entries).load("run")

    assert kept.study == "wine"
    assert kept.version == V1
    for file in kept.files:
        assert sha256(tmp_path / file.path) == file.sha256
    assert [file.path for file in kept.files] == [
        f"07_model_output/wine/metrics.json/{V1}/metrics.json",
        f"08_reporting/wine/dropout/history.csv/{V1}/history.csv",
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(told=st.dictionaries(st.text(), json_values, max_size=4))
@settings(max_examples=20)
def test_what_a_record_was_given_is_loaded_as_it_was(told):
    with tempfile.TemporaryDirectory() as folder:
        dataset, given = record(Path(folder)), json.loads(json.dumps(told))

        dataset.save(RunRecord(study="wine", options=told))

        assert dataset.load() == RunRecord(study="wine", options=told, version=V1)
        assert told == given


def test_a_record_is_text_that_people_read_too(tmp_path):
    record(tmp_path).save(RunRecord(command="Größe ≥ 3"))

    text = (tmp_path / "08_reporting" / "wine" / "run.json" / V1 / "run.json").read_text("utf-8")
    assert '\n  "command": "Größe ≥ 3",\n' in text
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), date(2024, 5, 1), {1, 2}]
)
def test_what_strict_json_cannot_say_is_refused_and_leaves_no_record(tmp_path, value):
    write(tmp_path, "08_reporting/a.csv", V1)
    before = sorted(path for path in tmp_path.rglob("*.*") if path.is_file())

    with pytest.raises(DatasetError, match="JSON"):
        record(tmp_path).save(RunRecord(options={"loss": [value]}))

    assert sorted(path for path in tmp_path.rglob("*.*") if path.is_file()) == before
    assert record(tmp_path).complete_versions() == []


def test_a_record_without_a_version_is_refused_with_what_to_write(tmp_path):
    dataset = RunRecordDataset(filepath=str(tmp_path / "08_reporting" / "wine" / "run.json"))

    with pytest.raises(DatasetError, match="write 'versioned: true'"):
        dataset.save(RunRecord())

    assert list(tmp_path.iterdir()) == []
    assert dataset.complete_versions() == []


def test_a_record_is_written_once(tmp_path):
    record(tmp_path).save(RunRecord(command="first"))

    with pytest.raises(DatasetError, match="must not exist"):
        record(tmp_path).save(RunRecord(command="second"))

    assert record(tmp_path).load().command == "first"


def test_complete_versions_are_those_with_a_record_the_newest_first(tmp_path):
    dataset = record(tmp_path)
    assert dataset.complete_versions() == []
    for version in (V2, V1, V3):
        write(tmp_path, "08_reporting/comparison.csv", version)
    (tmp_path / "08_reporting" / "wine" / "run.json" / V3).mkdir(parents=True)
    assert dataset.complete_versions() == []

    record(tmp_path, V2).save(RunRecord())
    record(tmp_path, V1).save(RunRecord())
    assert dataset.complete_versions() == [V2, V1]

    record(tmp_path, V3).save(RunRecord())
    assert dataset.complete_versions() == [V3, V2, V1]


def test_a_file_in_place_of_the_records_is_no_complete_version(tmp_path):
    path = tmp_path / "08_reporting" / "wine" / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")

    assert record(tmp_path).complete_versions() == []


def test_the_preview_is_the_record_and_kedro_viz_takes_it_for_json(tmp_path):
    dataset = record(tmp_path)
    dataset.save(RunRecord(study="wine"))

    assert RunRecord.from_json(json.loads(dataset.preview())) == dataset.load()
    node = GraphNode.create_data_node("run", "run", None, set(), dataset, set())
    metadata = DataNodeMetadata(data_node=node, is_all_previews_enabled=True)
    assert RunRecord.from_json(json.loads(metadata.preview)) == dataset.load()
    assert metadata.preview_type == "JSONPreview"


@pytest.fixture
def complete(tmp_path):
    """A complete version of two files and a folder, and its record."""
    for name in ("06_models/wine/pre.skops", "08_reporting/wine/metrics.json"):
        put(tmp_path / name / V1 / Path(name).name)
    put(tmp_path / "06_models/wine/dropout" / V1 / "dropout" / "0.keras")
    record = RunRecordDataset(
        filepath=str(tmp_path / "08_reporting/wine/run.json"), version=Version(V1, V1)
    )
    record.save(RunRecord())
    return record


def put(path, text="as the run wrote it"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("name", ["06_models/wine/pre.skops", "06_models/wine/dropout"])
def test_what_is_as_the_run_wrote_it_is_not_refused(tmp_path, complete, name):
    complete.check_files(V1, tmp_path / name / V1 / Path(name).name)


@pytest.mark.parametrize(
    ("spoil", "name", "told"),
    [
        (lambda path: path.write_text("as the run wrote It"), "06_models/wine/pre.skops",
         "pre.skops: has changed since the run wrote it"),
        (lambda path: path.write_text(""), "06_models/wine/pre.skops", "pre.skops: has changed"),
        (lambda path: path.unlink(), "06_models/wine/pre.skops", "pre.skops: is missing"),
        (lambda path: (path / "0.keras").unlink(), "06_models/wine/dropout", "0.keras: is missing"),
        (lambda path: (path / "1.keras").write_text(""), "06_models/wine/dropout",
         "1.keras: is not of the run"),
    ],
)  # fmt: skip
def test_what_is_not_as_the_run_wrote_it_is_refused_by_name(tmp_path, complete, spoil, name, told):
    place = tmp_path / name / V1 / Path(name).name
    spoil(place)

    with pytest.raises(DatasetError, match=rf"{told}.*; take another version, or run the study"):
        complete.check_files(V1, place)
    other = tmp_path / "08_reporting/wine/metrics.json" / V1 / "metrics.json"
    complete.check_files(V1, other)  # which is whole


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"version": "1", "files": [1]}', b"[" * 100_000,
     b'{"version": "1", "files": [{"path": 1, "sha256": "0"}]}'],
)  # fmt: skip
def test_a_file_that_is_no_record_is_refused_by_name(complete, content):
    Path(complete._get_load_path()).write_bytes(content)

    with pytest.raises(DatasetError, match=r"run\.json: is no record of a run; take another"):
        complete.load()


def test_a_version_is_claimed_once(tmp_path, complete):
    assert not complete.claim(V1)
    assert complete.claim(V2)
    assert not complete.claim(V2)
    assert complete.complete_versions() == [V1]


def test_brackets_in_the_name_of_a_folder_hide_no_version(tmp_path):
    record = RunRecordDataset(
        filepath=str(tmp_path / "a [b]" / "08" / "wine" / "run.json"), version=Version(V1, V1)
    )
    record.save(RunRecord())

    assert record.complete_versions() == [V1]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        (V1, True), (f"{V1}.bak", False), ("2024-05-01", False), ("latest", False),
        ("2024-5-1T10.00.00.000Z", False), ("2024-05-01T10.00.00.000000Z", False),
        ("2024-13-01T10.00.00.000Z", False), (f"copy of {V1}", False), ("", False),
    ],
)  # fmt: skip
def test_a_version_is_named_as_kedro_names_it(name, is_one):
    assert is_version(name) is is_one


def test_kedro_names_versions_so():
    assert is_version(generate_timestamp())


OUTPUTS = ("06_models/wine/pre.skops", "06_models/wine/dropout", "08_reporting/wine/metrics.json")


def read(tmp_path):
    dataset = RunRecordDataset(
        filepath=str(tmp_path / "08_reporting/wine/run.json"), version=Version(None, None)
    )
    return dataset.versions(lambda _: [tmp_path / output for output in OUTPUTS])


def test_a_version_that_names_all_that_the_study_writes_is_complete(tmp_path, complete):
    found = read(tmp_path)

    assert found.complete == [V1]
    assert found.skipped == {}
    assert found.told() == ""


def test_outputs_that_stand_elsewhere_are_not_asked_for(tmp_path, complete):
    elsewhere = [tmp_path.parent / "report.html", tmp_path / "08_reporting/other/report.html"]

    assert complete.complete_versions(lambda _: elsewhere) == [V1]


def changed_record(**changes):
    def write(tmp_path):
        (file,) = (tmp_path / "08_reporting/wine/run.json").rglob("run.json")
        record = json.loads(file.read_text())
        new = {key: change(record) for key, change in changes.items()}
        file.write_text(json.dumps({**record, **new}))

    return write


def a_copy(name):
    def copy(tmp_path):
        for folder in sorted(tmp_path.rglob(V1)):
            folder.rename(folder.with_name(name))

    return copy


def without(part):
    return changed_record(files=lambda one: [f for f in one["files"] if part not in f["path"]])


@pytest.mark.parametrize(
    ("spoil", "name", "told"),
    [
        (a_copy(f"{V1}.bak"), f"{V1}.bak", "its folder is not named as Kedro names versions"),
        (a_copy("latest"), "latest", "its folder is not named as Kedro names versions"),
        (a_copy(V2), V2, f"its run.json is the record of version {V1}, and stands in the folder"),
        (changed_record(version=lambda _: V2), V1, f"its run.json is the record of version {V2}"),
        (changed_record(version=lambda _: 1), V1, "its run.json is no record of a run"),
        (changed_record(study=lambda _: "concrete"), V1,
         "its run.json is the record of the study 'concrete', and stands in the folder of another"),
        (changed_record(files=lambda _: []), V1, "names no file of 06_models/wine/pre.skops"),
        (changed_record(files=lambda _: None), V1, "its run.json is no record of a run"),
        (without("metrics"), V1, "names no file of 08_reporting/wine/metrics.json"),
        (without("dropout"), V1, "names no file of 06_models/wine/dropout"),
        (without("1.keras"), V1, "does not name 06_models/wine/dropout/.*/1.keras"),
        (without("metrics.svg"), V1, "does not name 08_reporting/wine/metrics.json/.*metrics.svg"),
    ],
)  # fmt: skip
def test_what_is_no_whole_version_is_skipped_and_told_why(tmp_path, spoil, name, told):
    for path in ("06_models/wine/pre.skops", "08_reporting/wine/metrics.json"):
        put(tmp_path / path / V1 / Path(path).name)
    put(tmp_path / "08_reporting/wine/metrics.json" / V1 / "metrics.svg")
    for model in ("0.keras", "1.keras"):
        put(tmp_path / "06_models/wine/dropout" / V1 / "dropout" / model)
    record(tmp_path).save(RunRecord())
    assert read(tmp_path).complete == [V1]

    spoil(tmp_path)

    found = read(tmp_path)
    assert found.complete == []
    assert list(found.skipped) == [name]
    assert re.search(told, found.skipped[name])
    assert found.told().startswith(f"{name} is skipped: its ")


def test_what_else_lies_in_a_folder_does_no_harm(tmp_path, complete):
    put(tmp_path / "06_models/wine/dropout" / V1 / "dropout" / ".DS_Store")
    put(tmp_path / "08_reporting/wine/metrics.json" / V1 / "notes.txt")

    assert read(tmp_path).complete == [V1]


def test_a_record_that_the_system_refuses_is_skipped_and_the_others_are_read(tmp_path, complete):
    folder = tmp_path / "08_reporting/wine/run.json" / V2
    folder.mkdir()
    (folder / "run.json").symlink_to(folder / ("x" * 300))  # too long a name: no "there is none"

    found = read(tmp_path)

    assert found.complete == [V1]
    assert "cannot be read (File name too long)" in found.skipped[V2]


def test_the_record_itself_may_be_loaded_and_a_file_that_it_does_not_name_may_not(
    tmp_path, complete
):
    complete.check_files(V1, Path(complete._get_load_path()))
    place = tmp_path / "08_reporting/wine/new.csv" / V1 / "new.csv"
    for _ in range(2):  # where there is none, and where there is one
        with pytest.raises(DatasetError, match=r"new\.csv: is not of the run"):
            complete.check_files(V1, place)
        put(place)


def test_the_record_of_another_version_is_not_loaded(tmp_path, complete):
    a_copy(V2)(tmp_path)

    with pytest.raises(DatasetError, match=f"is the record of version {V1}, and stands in the fol"):
        record(tmp_path, V2).load()


def test_the_record_of_another_study_is_not_loaded(tmp_path, complete):
    changed_record(study=lambda _: "concrete")(tmp_path)

    with pytest.raises(DatasetError, match="is the record of the study 'concrete', and stands in"):
        record(tmp_path).load()


def test_the_record_of_a_sweep_is_of_its_study(tmp_path):
    swept = record(tmp_path, study="wine.sweep")
    swept.save(RunRecord(study="wine"))

    assert swept.load().study == "wine"
    assert swept.complete_versions() == [V1]
