"""Files from elsewhere, with bounds: of size, of silence and of pace."""

from __future__ import annotations

import re
import shutil
import threading
import time
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import fsspec
from fsspec.implementations.local import LocalFileSystem

from dropnorm.data.compression import refuse_special
from dropnorm.errors import BadInputError, in_one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Seconds without a byte until a server counts as gone.
TIMEOUT = 30
# Bytes that must have come per second on the whole, once so many seconds have passed.
SLOWEST, PATIENCE = 5_000, 60
# Bytes of a file whose size nobody tells.
MOST = 1_000_000_000
_AT_ONCE = 1 << 16
_NOT_FOUND = 404
# Pipes that this process was started with: somebody writes to them.
_GIVEN = re.compile(r"/dev/stdin|/dev/fd/\d+|/proc/self/fd/\d+")


class RefusedError(Exception):
    """A download that is stopped, and why."""


def is_address(source: Path | str) -> bool:
    """Tell an address, such as ``https://…``, from a path."""
    return "://" in str(source)


def local_path(source: str) -> Path | None:
    """Return the local file that a path or an address such as ``file://…`` names, if it does."""
    if not is_address(source):
        return Path(source)
    protocol = source.split("://", maxsplit=1)[0]
    if protocol in LocalFileSystem.protocol:
        return Path(LocalFileSystem._strip_protocol(source))
    return None


@contextmanager
def fetched(source: str) -> Iterator[Path]:
    """Give the path of a file, or of what was fetched from an address, as long as it is needed."""
    file = local_path(source)
    given = file is not None and _GIVEN.fullmatch(source) and file.is_fifo()
    if file is not None and not given:
        refuse_special(file, source)
        yield file
        return
    with TemporaryDirectory() as folder:
        local = Path(folder, source.rsplit("/", maxsplit=1)[-1] or "table")
        try:
            if given:
                with Path(source).open("rb") as pipe, local.open("wb") as target:
                    shutil.copyfileobj(pipe, Arrival(target))
            elif source.startswith(("http://", "https://")):
                download(source, local)
            else:
                with fsspec.open(source, "rb") as remote:
                    receive(lambda arrival: shutil.copyfileobj(remote, arrival, _AT_ONCE), local)
        except Exception as error:  # every file system has its own
            raise BadInputError(f"{source}: {_why_not_fetched(error)}") from error
        yield local


def _why_not_fetched(error: Exception) -> str:
    # A server that does not answer is a file that is not there, for a reason.
    why = error.__cause__ or error
    answer = getattr(error, "response", None)
    if isinstance(why, FileNotFoundError) or getattr(answer, "status_code", 0) == _NOT_FOUND:
        return "there is no such file"
    if isinstance(error, RefusedError):
        return str(error)
    told = in_one_line(why) or type(why).__name__
    if "Max retries exceeded" in told:  # with the insides of requests
        told = "Cannot connect to its server"
    return f"cannot be fetched: {told}"


def download(url: str, path: Path, most: int | None = None, *, progress: bool = False) -> None:
    """Download a file over HTTP."""
    import pooch  # noqa: PLC0415  # not needed for files that are there

    fetch = pooch.HTTPDownloader(
        progressbar=progress,
        chunk_size=1024 if progress else _AT_ONCE,
        timeout=TIMEOUT,
        hooks={"response": _check_redirect},
    )
    receive(lambda arrival: fetch(url, arrival, None), path, most)


def _check_redirect(answer: Any, **_: Any) -> None:
    """Refuse an answer that sends from a safe to an unsafe place."""
    if answer.is_redirect:
        target = urljoin(answer.url, answer.headers["location"])
        if urlsplit(target).scheme not in {"https", urlsplit(answer.url).scheme}:
            raise RefusedError(f"its server sends to another place, {target}, by other means")


class Arrival:
    """A file that takes what arrives, but no more than there should be."""

    def __init__(self, file: IO[bytes], most: int | None = None) -> None:
        self._file = file
        self._most = MOST if most is None else most
        self._received = 0
        self._began = self._last = time.monotonic()

    def write(self, chunk: bytes) -> int:
        """Take some bytes; raise ``RefusedError`` if there are too many."""
        self._received += len(chunk)
        self._last = time.monotonic()
        if self._received > self._most:
            raise RefusedError(
                f"what came is not the file that is meant (more than {self._most} bytes)"
            )
        return self._file.write(chunk)

    def flush(self) -> None:
        """Write out what has come."""
        self._file.flush()

    def check_speed(self) -> None:
        """Raise ``RefusedError`` if a server is silent or too slow."""
        now = time.monotonic()
        seconds = now - self._began
        if seconds > PATIENCE and self._received < SLOWEST * seconds:
            raise RefusedError(
                f"its server is too slow ({self._received} bytes in {seconds:.0f} seconds)"
            )
        if now - self._last > PATIENCE + TIMEOUT:
            raise RefusedError(f"its server is silent (after {self._received} bytes)")


def receive(give: Callable[[Arrival], object], path: Path, most: int | None = None) -> None:
    """Write a file from elsewhere in a thread of its own, and look every second how far it is.

    A thread that waits for bytes cannot be stopped: when a server is too slow it is left alone, and
    ends with the process at the latest.
    """
    done: Future[object] = Future()
    with path.open("wb") as file:
        arrival = Arrival(file, most)

        def run() -> None:
            try:
                done.set_result(give(arrival))
            except BaseException as error:
                done.set_exception(error)

        threading.Thread(target=run, name="download", daemon=True).start()
        while not wait([done], timeout=min(1, PATIENCE)).done:
            arrival.check_speed()
    done.result()
