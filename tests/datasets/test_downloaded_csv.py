from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import signal
import socket
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest
import yaml
from kedro.io import DataCatalog, DatasetError

from dropnorm.data.reading import fetching
from dropnorm.datasets import DownloadedCSVDataset
from dropnorm.datasets.atomic_files import discard_unfinished
from dropnorm.errors import BadInputError

TABLE = pd.DataFrame({"song": ["Größe", "b", "c"] * 2000, "tempo": [90.5, 120.0, 77.25] * 2000})
BODY = TABLE.to_csv(index=False).encode()
SHA256 = hashlib.sha256(BODY).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """HTTP server that gives one answer to all requests and records them."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.answer = whole
        self.over = threading.Event()

    def url(self, path="/songs.csv"):
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # http.server's name
        self.server.asked.append(self.path)
        self.server.answer(self)

    def start(self, length, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_):
        pass


def whole(handler):
    handler.start(len(BODY))
    handler.wfile.write(BODY)


def something_else(handler):
    handler.start(len(BODY))
    handler.wfile.write(BODY[:-2] + b"9\n")


def cut_short(handler):
    handler.start(len(BODY))
    handler.wfile.write(BODY[: len(BODY) // 2])


def cut_before_the_first_byte(handler):
    handler.start(len(BODY))


def no_answer(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)


def not_found(handler):
    handler.start(len(BODY), status=404)
    handler.wfile.write(BODY)


def broken(handler):
    handler.start(0, status=503)


def silent(handler):
    handler.server.over.wait(5)


def silent_half_way(handler):
    cut_short(handler)
    handler.wfile.flush()
    handler.server.over.wait(5)


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        while not handler.server.over.is_set():
            handler.wfile.write(BODY)


def drop_by_drop(handler):
    handler.start(len(BODY))
    with contextlib.suppress(OSError):
        for byte in BODY:
            if handler.server.over.wait(0.05):
                return
            handler.wfile.write(bytes([byte]))


def sends_to(target):
    def answer(handler):
        if handler.path == "/elsewhere.csv":
            whole(handler)
            return
        handler.send_response(302)
        handler.send_header("Location", target.replace("PORT", str(handler.server.server_port)))
        handler.end_headers()

    return answer


def interrupted_half_way(handler):
    cut_short(handler)
    handler.wfile.flush()
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    handler.server.over.wait(5)


@pytest.fixture
def server(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def path(tmp_path):
    """Path of the file in a folder that does not exist yet."""
    return tmp_path / "data" / "01_raw" / "spotify.csv"


def a_dataset(path, url, sha256=SHA256):
    return DownloadedCSVDataset(filepath=str(path), url=url, sha256=sha256)


def files(folder):
    return [path.name for path in folder.rglob("*") if not path.is_dir()]


def refusal(dataset):
    """Return the message of `fetch`, which is also the cause of Kedro's error."""
    with pytest.raises(BadInputError) as refused:
        dataset.fetch()
    with pytest.raises(DatasetError) as failed:
        dataset.load()
    assert isinstance(failed.value.__cause__, BadInputError)
    assert str(failed.value.__cause__) == str(refused.value)
    return str(refused.value)


def test_a_missing_file_is_downloaded_once_and_loaded(tmp_path, path, server):
    entry = {
        "type": "dropnorm.datasets.DownloadedCSVDataset", "filepath": str(path),
        "url": server.url(), "sha256": SHA256, "load_args": {"nrows": 3},
    }  # fmt: skip
    catalog = DataCatalog.from_config({"table": entry})

    tables = [catalog.load("table") for _ in range(2)]

    for table in tables:
        pd.testing.assert_frame_equal(table, TABLE.head(3))
    assert path.read_bytes() == BODY
    assert files(tmp_path) == ["spotify.csv"]
    assert server.asked == ["/songs.csv"]


def test_creating_a_dataset_and_exists_make_no_request(path, server):
    assert not a_dataset(path, server.url()).exists()
    assert server.asked == []


def test_a_relative_path_is_downloaded_to_the_working_folder(tmp_path, monkeypatch, server):
    monkeypatch.chdir(tmp_path)

    a_dataset("01_raw/spotify.csv", server.url()).fetch()

    assert (tmp_path / "01_raw" / "spotify.csv").read_bytes() == BODY


def test_an_existing_file_is_neither_changed_nor_requested(path, server):
    path.parent.mkdir(parents=True)
    path.write_text("song,tempo\nmine,1\n")  # with another checksum
    before = path.stat()

    table = a_dataset(path, server.url()).load()

    assert table.to_dict("list") == {"song": ["mine"], "tempo": [1]}
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert path.read_text() == "song,tempo\nmine,1\n"
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (something_else, "its checksum differs"),
        (cut_short, "it could not be downloaded"),
        (cut_before_the_first_byte, "it could not be downloaded"),
        (no_answer, "it could not be downloaded (ConnectionError)"),
        (not_found, "it could not be downloaded (HTTPError)"),
        (broken, "it could not be downloaded (HTTPError)"),
        (silent, "it could not be downloaded (ReadTimeout)"),
        (silent_half_way, "it could not be downloaded (ConnectionError)"),
    ],
)
def test_a_failed_download_is_reported_and_leaves_no_file(
    tmp_path, path, server, monkeypatch, answer, why
):
    monkeypatch.setattr(fetching, "TIMEOUT", 0.3)
    server.answer = answer

    message = refusal(a_dataset(path, server.url()))

    assert message.startswith(f"{path} does not exist, and ")
    assert why in message
    assert f"download {server.url()} with a browser" in message
    assert "--env=sample" in message
    assert "\n" not in message
    assert files(tmp_path) == []
    assert server.asked


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/elsewhere.csv"])
def test_a_redirect_to_another_protocol_is_refused(tmp_path, path, server, target):
    server.answer = sends_to(target)

    message = refusal(a_dataset(path, server.url()))

    assert f"its server redirects to {target[:5]}" in message
    assert files(tmp_path) == []
    assert set(server.asked) == {"/songs.csv"}


def test_a_redirect_is_followed(path, server):
    server.answer = sends_to("/elsewhere.csv")

    a_dataset(path, server.url()).fetch()

    assert path.read_bytes() == BODY
    assert server.asked == ["/songs.csv", "/elsewhere.csv"]


@pytest.mark.parametrize("size", [len(BODY), None])
def test_an_endless_file_is_refused(tmp_path, path, server, monkeypatch, size):
    monkeypatch.setattr(fetching, "MOST", 10 * len(BODY))
    server.answer = endless

    message = refusal(
        DownloadedCSVDataset(filepath=str(path), url=server.url(), sha256=SHA256, size=size)
    )

    assert f"more than {size or 10 * len(BODY)} bytes" in message
    assert files(tmp_path) == []


def test_a_very_slow_download_is_refused(tmp_path, path, server, monkeypatch):
    monkeypatch.setattr(fetching, "PATIENCE", 0.3)
    server.answer = drop_by_drop

    message = refusal(a_dataset(path, server.url()))

    assert "its server is too slow (0 bytes in 0 seconds)" in message
    assert files(tmp_path) == []


def test_the_catalog_has_the_size_and_checksum_of_the_file():
    root = Path(__file__).parents[2]
    entry = yaml.safe_load((root / "conf/base/catalog_lesson.yml").read_text())["spotify.table"]
    file = root / "data/01_raw/spotify.csv"
    if not file.exists():
        pytest.skip("spotify.csv has not been downloaded")
    if hashlib.sha256(file.read_bytes()).hexdigest() != entry["sha256"]:
        pytest.skip("spotify.csv is another file")

    assert file.stat().st_size == entry["size"]


def test_a_file_with_another_checksum_is_discarded(tmp_path, path, server):
    message = refusal(a_dataset(path, server.url(), sha256="0" * 64))

    assert "its checksum differs" in message
    assert files(tmp_path) == []


def test_an_unreachable_server_is_reported_and_leaves_no_file(tmp_path, path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/songs.csv"

        message = refusal(a_dataset(path, url))

    assert message == (
        f"{path} does not exist, and it could not be downloaded (ConnectionError); download {url}"
        " with a browser and save it there, or run with --env=sample, which needs no network"
    )
    assert files(tmp_path) == []


@pytest.mark.parametrize("url", ["songs.csv", "http://", "gopher://127.0.0.1/songs.csv"])
def test_an_invalid_address_is_refused(tmp_path, path, url):
    message = refusal(a_dataset(path, url))

    assert "it could not be downloaded" in message
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_created_is_reported_in_one_line(tmp_path, server):
    (tmp_path / "01_raw").write_text("a file")

    message = refusal(a_dataset(tmp_path / "01_raw" / "spotify.csv", server.url()))

    assert "it could not be downloaded" in message
    assert "\n" not in message
    assert server.asked == []


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupted_download_leaves_no_file_and_can_be_repeated(tmp_path, path, server):
    server.answer = interrupted_half_way

    with pytest.raises(KeyboardInterrupt):
        a_dataset(path, server.url()).load()

    assert files(tmp_path) == []
    server.answer = whole
    assert len(a_dataset(path, server.url()).load()) == len(TABLE)


@pytest.mark.parametrize("answer", [whole, not_found])
def test_a_download_is_logged_in_one_line(path, server, caplog, answer):
    caplog.set_level("INFO")
    server.answer = answer

    with contextlib.suppress(BadInputError):
        a_dataset(path, server.url()).fetch()

    assert caplog.messages == [f"Downloading {server.url()} to {path}"]


def test_a_partial_download_is_discarded_before_the_process_ends(tmp_path, path, server):
    left = []

    def discarded_half_way(handler):
        cut_short(handler)
        left.append(files(tmp_path))
        discard_unfinished()
        left.append(files(tmp_path))

    server.answer = discarded_half_way

    with pytest.raises(BadInputError):
        a_dataset(path, server.url()).fetch()

    assert len(left[0]) == 1
    assert left[1] == files(tmp_path) == []


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("screen", "shown"), [(Terminal, True), (io.StringIO, False)])
def test_progress_is_shown_on_a_terminal_only(path, server, monkeypatch, screen, shown):
    stderr = screen()
    monkeypatch.setattr(sys, "stderr", stderr)

    a_dataset(path, server.url()).fetch()

    assert ("100%" in stderr.getvalue()) is shown
    assert path.read_bytes() == BODY


def test_the_preview_downloads_nothing(tmp_path):
    path = tmp_path / "table.csv"
    dataset = DownloadedCSVDataset(filepath=str(path), url="http://127.0.0.1:9/", sha256="0" * 64)

    with pytest.raises(DatasetError, match="has not been downloaded yet"):
        dataset.preview()

    path.write_text("a,b\n" + "1,2\n" * 9)
    assert len(dataset.preview()["data"]) == 5
