from __future__ import annotations

import importlib
import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from dropnorm.hidden_packages import hidden


def test_a_package_is_hidden_from_one_thread_alone_and_while_it_is_asked_for(tmp_path, monkeypatch):
    for name in ("left_out", "elsewhere"):
        (tmp_path / f"{name}.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    with hidden("left_out"), ThreadPoolExecutor() as other:
        with pytest.raises(ModuleNotFoundError, match="No module named 'left_out'"):
            importlib.import_module("left_out")
        # Who looks for a package without importing it is told of no file, and gets no error.
        assert importlib.util.find_spec("left_out").origin is None
        assert importlib.import_module("elsewhere")
        assert other.submit(importlib.import_module, "left_out").result()
    sys.modules.pop("left_out")

    assert importlib.import_module("left_out")
    for name in ("left_out", "elsewhere"):
        sys.modules.pop(name)
