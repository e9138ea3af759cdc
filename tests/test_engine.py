from __future__ import annotations

import os
import subprocess
import sys


def test_a_model_is_saved_on_another_engine_without_tensorflow(tmp_path):
    # Keras' own NumPy engine: trains nothing, and is there wherever Keras is.
    script = """
import sys
from dropnorm.engine import load_keras

keras = load_keras()
keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]).save("model.keras")
print("tensorflow" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, "KERAS_BACKEND": "numpy"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert (done.stdout, done.stderr, done.returncode) == ("False\n", "", 0)
