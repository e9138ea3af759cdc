"""Download files, with limits on size, idle time and speed."""

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

from dropnorm.data.reading.compression import refuse_special
from dropnorm.errors import BadInputError, in_one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Seconds without a byte after which a server does not respond.
TIMEOUT = 30
# The least bytes per second on average, checked after PATIENCE seconds.
SLOWEST, PATIENCE = 5_000, 60
# The most bytes of a file whose size is unknown.
MOST = 1_000_000_000
_AT_ONCE = 1 << 16
_NOT_FOUND = 404
# Pipes that the shell gave to this process, which are safe to read.
_GIVEN = re.compile(r"/dev/stdin|/dev/fd/\d+|/proc/self/fd/\d+")


class RefusedError(Exception):
    """A download was stopped; the message says why."""


def is_address(source: Path | str) -> bool:
    """Return whether a source is an address, such as ``https://…``, and not a path."""
    return "://" in str(source)


def local_path(source: str) -> Path | None:
    """Return the path of a local source, which may be written as ``file://…``, else ``None``."""
    if not is_address(source):
        return Path(source)
    protocol = source.split("://", maxsplit=1)[0]
    if protocol in LocalFileSystem.protocol:
        return Path(LocalFileSystem._strip_protocol(source))
    return None


@contextmanager
def fetched(source: str) -> Iterator[Path]:
    """Yield the path of a local file, or of a temporary copy of a remote one.

    Args:
        source: Path or address.

    Raises:
        BadInputError: If the file cannot be fetched.
    """
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
        except Exception as error:  # each file system raises its own
            raise BadInputError(f"{source}: {_why_not_fetched(error)}") from error
        yield local


def _why_not_fetched(error: Exception) -> str:
    # fsspec raises FileNotFoundError from the connection error.
    why = error.__cause__ or error
    answer = getattr(error, "response", None)
    if isinstance(why, FileNotFoundError) or getattr(answer, "status_code", 0) == _NOT_FOUND:
        return "there is no such file"
    if isinstance(error, RefusedError):
        return str(error)
    message = in_one_line(why) or type(why).__name__
    if "Max retries exceeded" in message:  # requests' message names its internals
        message = "Cannot connect to its server"
    return f"cannot be fetched: {message}"


def download(url: str, path: Path, most: int | None = None, *, progress: bool = False) -> None:
    """Download a file over HTTP.

    Args:
        url: Address of the file.
        path: File to write.
        most: The most bytes to accept; ``MOST`` if left out.
        progress: Whether to show a progress bar.

    Raises:
        RefusedError: If the server is too slow, sends too much or redirects to an unsafe address.
    """
    import pooch  # noqa: PLC0415  # not needed for local files

    fetch = pooch.HTTPDownloader(
        progressbar=progress,
        chunk_size=1024 if progress else _AT_ONCE,
        timeout=TIMEOUT,
        hooks={"response": _check_redirect},
    )
    receive(lambda arrival: fetch(url, arrival, None), path, most)


def _check_redirect(answer: Any, **_: Any) -> None:
    """Refuse a redirection to a protocol other than HTTPS and the present one."""
    if answer.is_redirect:
        target = urljoin(answer.url, answer.headers["location"])
        if urlsplit(target).scheme not in {"https", urlsplit(answer.url).scheme}:
            raise RefusedError(f"its server redirects to {target}, which is not HTTPS")


class Arrival:
    """A file to download to, which refuses more bytes than expected."""

    def __init__(self, file: IO[bytes], most: int | None = None) -> None:
        self._file = file
        self._most = MOST if most is None else most
        self._received = 0
        self._began = self._last = time.monotonic()

    def write(self, chunk: bytes) -> int:
        """Write some bytes; raise ``RefusedError`` if there are too many."""
        self._received += len(chunk)
        self._last = time.monotonic()
        if self._received > self._most:
            raise RefusedError(
                f"the download is not the expected file (more than {self._most} bytes)"
            )
        return self._file.write(chunk)

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()

    def check_speed(self) -> None:
        """Raise ``RefusedError`` if the server does not respond or is too slow."""
        now = time.monotonic()
        seconds = now - self._began
        if seconds > PATIENCE and self._received < SLOWEST * seconds:
            raise RefusedError(
                f"its server is too slow ({self._received} bytes in {seconds:.0f} seconds)"
            )
        if now - self._last > PATIENCE + TIMEOUT:
            raise RefusedError(f"its server stopped responding (after {self._received} bytes)")


def receive(give: Callable[[Arrival], object], path: Path, most: int | None = None) -> None:
    """Download a file in a thread, and check its progress every second.

    A thread that waits for bytes cannot be stopped. If the server is too slow, the thread is
    abandoned and ends with the process at the latest.

    Args:
        give: Function that writes the file to its argument.
        path: File to write.
        most: The most bytes to accept; ``MOST`` if left out.

    Raises:
        RefusedError: If the server is too slow or sends too much.
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
