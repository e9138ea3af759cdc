from __future__ import annotations

import gc

from dropnorm.start import begin_imports, end_imports


def test_garbage_is_collected_again_when_everything_is_imported(ctrl_c):
    begin_imports()
    during = gc.isenabled()
    end_imports()

    assert not during
    assert gc.isenabled()
