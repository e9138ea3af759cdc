from __future__ import annotations

import contextlib
import http.server
import os
import subprocess
import sys
import threading

import pytest

from conftest import assert_refused
from dropnorm.data.reading import fetching
from dropnorm.data.reading.fetching import fetched, local_path
from dropnorm.errors import BadInputError

BODY = b"a,b\n" + b"1,2\n" * 5000


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # http.server's name
        name = self.path.strip("/")
        if name == "nothing.csv":
            self.send_error(404)
        elif name == "moved.csv":
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/whole.csv")
            self.end_headers()
        elif name == "away.csv":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
        else:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                getattr(self, name.removesuffix(".csv"))()

    def whole(self):
        self.wfile.write(BODY)

    def endless(self):
        while not self.server.over.is_set():
            self.wfile.write(BODY)

    def silent(self):
        self.server.over.wait(20)

    def slow(self):
        while not self.server.over.wait(0.05):
            self.wfile.write(b"1")

    def log_message(self, *_):
        pass


@pytest.fixture
def address(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.over = threading.Event()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["whole.csv", "moved.csv"])
def test_a_file_is_downloaded_directly_and_after_a_redirect(address, name):
    with fetched(f"{address}/{name}") as file:
        assert file.read_bytes() == BODY
        assert file.name == name
    assert not file.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.csv", "there is no such file"),
        ("endless.csv", "more than 100000 bytes"),
        ("silent.csv", "timed out"),
        ("slow.csv", "its server is too slow"),
        ("away.csv", "redirects to file:///etc/passwd, which is not HTTPS"),
    ],
)
def test_bad_downloads_are_refused_in_one_line(command, address, monkeypatch, name, message):
    monkeypatch.setattr(fetching, "MOST", 100_000)
    monkeypatch.setattr(fetching, "TIMEOUT", 1)
    monkeypatch.setattr(fetching, "PATIENCE", 1 if name == "slow.csv" else 60)
    source = f"{address}/{name}"

    with pytest.raises(BadInputError, match=f"^{source}: .*{message}") as refused, fetched(source):
        pass

    assert "\n" not in str(refused.value)
    assert_refused(command("new", "cars", "--csv", source, "--target", "b"), message)


def test_other_file_systems_have_the_same_size_limit(monkeypatch):
    import fsspec  # noqa: PLC0415

    monkeypatch.setattr(fetching, "MOST", 100)
    with fsspec.open("memory://big.csv", "wb") as file:
        file.write(b"1" * 101)

    with pytest.raises(BadInputError, match="more than 100 bytes"), fetched("memory://big.csv"):
        pass


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("a/b.csv", "a/b.csv"),
        ("file:///a/b.csv", "/a/b.csv"),
        ("local:///a/b.csv", "/a/b.csv"),
        ("memory://b.csv", None),
        ("https://a/b.csv", None),
    ],
)
def test_addresses_of_local_files_are_recognized(source, path):
    assert str(local_path(source)) == str(path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("prefix", ["", "file://"])
def test_a_pipe_or_device_is_refused_before_it_is_read(command, tmp_path, prefix):
    os.mkfifo(tmp_path / "f.csv")

    for source, what in ((tmp_path / "f.csv", "a named pipe"), ("/dev/zero", "a device")):
        done = command("new", "cars", "--csv", f"{prefix}{source}", "--target", "b")

        assert_refused(done, f"{source}: is not a regular file but {what}")


@pytest.mark.parametrize("source", ["/dev/stdin", "/dev/fd/0"])
def test_standard_input_is_read_up_to_the_size_limit(source):
    script = "\n".join(
        [
            "import sys",
            "from dropnorm.data.reading import fetching",
            "from dropnorm.errors import BadInputError",
            "fetching.MOST = 30_000",
            "try:",
            "    with fetching.fetched(sys.argv[1]) as file:",
            "        print(len(file.read_bytes()))",
            "except BadInputError as error:",
            "    print(error)",
        ]
    )

    def message(content: bytes) -> bytes:
        return subprocess.run([sys.executable, "-c", script, source], input=content,
                              capture_output=True, check=True, timeout=60).stdout  # fmt: skip

    assert message(BODY) == b"20004\n"
    assert b"more than 30000 bytes" in message(BODY * 2)
