from __future__ import annotations

import os
import signal
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DataCatalog, DatasetError

from dropnorm.datasets.atomic_files import WholeFileDataset, discard_unfinished, written_whole


class TextDataset(WholeFileDataset):
    """A text file that is written part by part; an exception among the parts is raised."""

    def load(self) -> str:
        return self._path_to_load().read_text()

    def save(self, data: list[str | type[BaseException]]) -> None:
        with self._path_to_save() as path, path.open("w") as file:
            write(file, data)


class FolderDataset(WholeFileDataset):
    """A folder with a file for each part."""

    def load(self) -> dict[str, str]:
        return {file.name: file.read_text() for file in self._path_to_load().iterdir()}

    def save(self, data: list[str | type[BaseException]]) -> None:
        with self._path_to_save() as path:
            path.mkdir()
            for number, part in enumerate(data):
                with (path / str(number)).open("w") as file:
                    write(file, [part])


def write(file, parts):
    for part in parts:
        if not isinstance(part, str):
            file.flush()  # to have the earlier parts on the disk
            raise part
        file.write(part)


def catalog(folder, dataset=TextDataset, versioned=True, **options):
    entry = {"type": dataset, "filepath": str(folder / "deep" / "kept.txt"), "versioned": versioned}
    return DataCatalog.from_config({"kept": entry}, **options)


def tree(folder):
    """Return the contents of all files below a folder, which has no temporary folder left."""
    assert not [path for path in folder.rglob(".*") if path.is_dir()]
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


FAILURES = [(RuntimeError, DatasetError), (KeyboardInterrupt, KeyboardInterrupt)]


@pytest.mark.parametrize("dataset", [TextDataset, FolderDataset])
@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize(("raised", "seen"), FAILURES)
def test_a_failed_save_leaves_no_file(tmp_path, dataset, versioned, raised, seen):
    with pytest.raises(seen):
        catalog(tmp_path, dataset, versioned, save_version="1").save("kept", ["half", raised])

    assert tree(tmp_path) == {}
    assert not catalog(tmp_path, dataset, versioned).exists("kept")


@pytest.mark.parametrize("dataset", [TextDataset, FolderDataset])
@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize(("raised", "seen"), FAILURES)
def test_a_failed_save_keeps_the_earlier_file(tmp_path, dataset, versioned, raised, seen):
    catalog(tmp_path, dataset, versioned, save_version="1").save("kept", ["first"])
    before, loaded = tree(tmp_path), catalog(tmp_path, dataset, versioned).load("kept")

    with pytest.raises(seen):
        catalog(tmp_path, dataset, versioned, save_version="2").save("kept", ["half", raised])

    assert tree(tmp_path) == before
    assert catalog(tmp_path, dataset, versioned).load("kept") == loaded


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupted_save_keeps_the_earlier_file(tmp_path):
    file = tmp_path / "kept.txt"
    file.write_text("first")

    def write_half():
        with written_whole(file) as path:
            path.write_text("half")
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        write_half()

    assert tree(tmp_path) == {"kept.txt": "first"}


def test_a_failed_save_keeps_other_temporary_files(tmp_path):
    (tmp_path / ".kept.txt-other").write_text("of another")

    with pytest.raises(RuntimeError), written_whole(tmp_path / "kept.txt"):
        raise RuntimeError

    assert tree(tmp_path) == {".kept.txt-other": "of another"}


def test_unfinished_files_of_all_threads_are_discarded(tmp_path):
    together = threading.Barrier(3, timeout=10)

    def write_slowly(name):
        with written_whole(tmp_path / name) as path:
            path.write_text("half")
            together.wait()  # both are half written
            together.wait()  # both are discarded

    with written_whole(tmp_path / "done.txt") as path:
        path.write_text("whole")
    with ThreadPoolExecutor() as threads:
        slow = [threads.submit(write_slowly, name) for name in ("done.txt", "new.txt")]
        together.wait()

        discard_unfinished()

        assert tree(tmp_path) == {"done.txt": "whole"}
        together.wait()
    assert all(isinstance(one.exception(), FileNotFoundError) for one in slow)
    assert tree(tmp_path) == {"done.txt": "whole"}


@pytest.mark.parametrize("dataset", [TextDataset, FolderDataset])
def test_the_path_exists_only_after_the_save(tmp_path, dataset):
    seen = []

    class Watched(dataset):
        def save(self, data: list[str]) -> None:
            with self._path_to_save() as path:
                path.mkdir()
                (path / "part").write_text("half")
                seen.append(self.exists())

    watched = Watched(filepath=str(tmp_path / "kept"))
    watched.save(["x"])

    assert seen == [False]
    assert watched.exists()
    assert tree(tmp_path) == {"kept/part": "half"}


def test_saved_files_have_the_usual_permissions(tmp_path):
    (tmp_path / "usual.txt").write_text("")
    (tmp_path / "usual").mkdir()

    with written_whole(tmp_path / "kept.txt") as path:
        path.write_text("")
    with written_whole(tmp_path / "kept") as path:
        path.mkdir()

    assert (tmp_path / "kept.txt").stat().st_mode == (tmp_path / "usual.txt").stat().st_mode
    assert (tmp_path / "kept").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_an_existing_folder_is_not_replaced(tmp_path):
    catalog(tmp_path, FolderDataset, versioned=False).save("kept", ["first", "second"])
    before = tree(tmp_path)

    with pytest.raises(DatasetError, match="not empty"):
        catalog(tmp_path, FolderDataset, versioned=False).save("kept", ["third"])

    assert tree(tmp_path) == before


def test_the_newest_version_is_loaded_from_kedros_path(tmp_path):
    for version, text in (("2024-01", "january"), ("2024-02", "february"), ("2024-03", "march")):
        catalog(tmp_path, save_version=version).save("kept", [text])

    assert tree(tmp_path) == {
        "deep/kept.txt/2024-01/kept.txt": "january",
        "deep/kept.txt/2024-02/kept.txt": "february",
        "deep/kept.txt/2024-03/kept.txt": "march",
    }
    assert catalog(tmp_path).load("kept") == "march"
    assert catalog(tmp_path, load_versions={"kept": "2024-02"}).load("kept") == "february"


def test_a_version_is_written_once(tmp_path):
    catalog(tmp_path, save_version="1").save("kept", ["first"])

    with pytest.raises(DatasetError, match="must not exist"):
        catalog(tmp_path, save_version="1").save("kept", ["second"])

    assert catalog(tmp_path).load("kept") == "first"


def test_a_version_whose_save_failed_can_be_saved_again(tmp_path):
    catalog(tmp_path, save_version="1").save("kept", ["first"])
    with pytest.raises(DatasetError):
        catalog(tmp_path, save_version="2").save("kept", ["half", RuntimeError])
    assert catalog(tmp_path).load("kept") == "first"

    catalog(tmp_path, save_version="2").save("kept", ["second"])

    assert catalog(tmp_path).load("kept") == "second"


def test_without_a_version_the_file_is_replaced(tmp_path):
    for text in ("first", "second"):
        catalog(tmp_path, versioned=False).save("kept", [text])

    assert tree(tmp_path) == {"deep/kept.txt": "second"}
    assert catalog(tmp_path, versioned=False).load("kept") == "second"


@pytest.mark.parametrize("versioned", [False, True])
def test_a_dataset_reports_whether_it_exists(tmp_path, versioned):
    assert not catalog(tmp_path, versioned=versioned).exists("kept")
    with pytest.raises(DatasetError):
        catalog(tmp_path, versioned=versioned).load("kept")

    catalog(tmp_path, versioned=versioned).save("kept", ["first"])

    assert catalog(tmp_path, versioned=versioned).exists("kept")
    absent = catalog(tmp_path, versioned=True, load_versions={"kept": "1"})
    assert not absent.exists("kept")


def test_a_relative_path_is_found_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with written_whole(Path("kept.txt")) as path:
        path.write_text("first")

    assert tree(tmp_path) == {"kept.txt": "first"}


def test_a_dataset_describes_itself_and_keeps_its_metadata(tmp_path):
    layer = {"kedro-viz": {"layer": "06_models"}}
    dataset = TextDataset(filepath="data/kept.txt", metadata=layer)

    assert dataset.metadata == layer
    assert "filepath='data/kept.txt'" in str(dataset)


saves = st.lists(
    st.tuples(st.binary(max_size=20), st.sampled_from([None, OSError, KeyboardInterrupt]))
)


@given(saves=saves)
@settings(max_examples=40)
def test_the_file_holds_the_last_successful_save(saves):
    with tempfile.TemporaryDirectory() as folder:
        file, expected = Path(folder, "kept.bin"), None
        for content, failure in saves:
            try:
                with written_whole(file) as path:
                    path.write_bytes(content)
                    if failure:
                        raise failure
                expected = content
            except (OSError, KeyboardInterrupt):
                assert failure

            assert os.listdir(folder) == ([] if expected is None else ["kept.bin"])
            assert expected is None or file.read_bytes() == expected


@pytest.mark.parametrize("address", ["s3://bucket/x.txt", "file:///x.txt", "simplecache::s3://x"])
@pytest.mark.parametrize("dataset", [TextDataset, FolderDataset])
def test_an_address_is_refused(dataset, address):
    with pytest.raises(DatasetError, match=f"^{address} is an address"):
        dataset(filepath=address)
