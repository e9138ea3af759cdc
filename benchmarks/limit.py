"""What the matrix products of one training take by themselves: no training can be faster.

    python benchmarks/limit.py concrete [--threads 1]

The products of each layer with NumPy's BLAS, in the shapes and as often as a training has them:
forwards, and backwards for the weights and, but for the first layer, for what came in; forwards
once more for the validation rows of each epoch. Prints a line of JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from typing import TYPE_CHECKING

import numpy as np
import threadpoolctl

if TYPE_CHECKING:
    from collections.abc import Callable

# Hidden units, rows of a batch, epochs, rows that train and that validate, inputs.
SHAPES = {
    "concrete": ([512, 512, 512], 64, 100, 721, 309, 8),
    "wine": ([1024, 1024, 1024], 256, 100, 1119, 480, 11),
    "spotify": ([128, 64], 512, 50, 24629, 8199, 18),
}


def seconds_of_products(study: str, repeats: int = 5) -> float:
    """Return the seconds of all products of one training, the least of several measurements."""
    hidden, batch, epochs, rows, held, inputs = SHAPES[study]
    sizes = [inputs, *hidden, 1]
    chance = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        return chance.normal(size=shape).astype(np.float32)

    layers = [(drawn(batch, a), drawn(a, b), drawn(batch, b)) for a, b in itertools.pairwise(sizes)]
    scored = [(drawn(held, a), drawn(a, b)) for a, b in itertools.pairwise(sizes)]

    def step() -> None:
        for number, (x, weights, slope) in enumerate(layers):
            x @ weights
            x.T @ slope
            if number:
                slope @ weights.T

    def validation() -> None:
        for x, weights in scored:
            x @ weights

    return epochs * (rows / batch * least(step, repeats) + least(validation, repeats))


def least(work: Callable[[], None], repeats: int, times: int = 20) -> float:
    """Return the least mean seconds that some work took."""
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        for _ in range(times):
            work()
        found.append((time.perf_counter() - began) / times)
    return min(found)


def main() -> None:
    """Measure with the threads asked for, and say with which kernels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=SHAPES)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    with threadpoolctl.threadpool_limits(chosen.threads, user_api="blas"):
        seconds = seconds_of_products(chosen.study)
        kernels = {
            f"{one['internal_api']} {one.get('version')}, {one.get('architecture')}"
            for one in threadpoolctl.threadpool_info()
            if one["user_api"] == "blas"
        }
    print(json.dumps({"seconds": seconds, "kernels": sorted(kernels)}))


if __name__ == "__main__":
    main()
