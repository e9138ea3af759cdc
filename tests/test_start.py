from __future__ import annotations

import gc
import subprocess
import sys

from dropnorm.start import begin_imports, end_imports


def test_garbage_is_collected_again_when_everything_is_imported(ctrl_c):
    begin_imports()
    during = gc.isenabled()
    end_imports()

    assert not during
    assert gc.isenabled()


def test_a_process_that_ends_does_not_look_through_what_it_has_imported():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import atexit, gc\n"
            "atexit.register(lambda: print(len(gc.get_objects())))\n"  # called last
            "from dropnorm.start import begin_imports, end_imports\n"
            "begin_imports(); import pandas; end_imports()\n"
            "kept = [[] for _ in range(1000)]",
        ],
        check=True,
        capture_output=True,
        text=True,
    )

    assert int(done.stdout) < 100
