"""Many training steps in one call, as each engine does it best.

What an engine pays per step beside the arithmetic (Python, dispatch, a data pipeline) is more than
the arithmetic itself for networks of this size. Measured for concrete's ``batchnorm`` and spotify's
``dropout``, see docs/development/benchmarks.md:

- TensorFlow: a ``tf.function`` with the loop over the steps inside. Not compiled by XLA: its random
  numbers, which dropout needs, are many times slower there on a CPU, and compiling a network takes
  longer than it saves. oneDNN stays on.
- JAX: a loop over the steps inside one jitted function. Compiling it takes as long as a third of a
  training or more, so it is done once: the numbers of steps and of rows are arguments, and the last
  batch of an epoch, which has fewer rows than the others, is filled up and masked.
- PyTorch: step by step. A plain loop that works; nothing there was tuned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropnorm.training.backend import load_keras

if TYPE_CHECKING:
    from typing import Any

    from dropnorm.training.loops.loop import Loop, Losses
    from dropnorm.training.networks import KerasModel


def make_loop(model: KerasModel, optimizer: Any, losses: Losses, steps: int, rows: int) -> Loop:
    """Return the loop of the engine in use.

    Args:
        model: Built; the loop changes its variables.
        optimizer: Built for the model's trainable variables.
        losses: The first is minimized.
        steps: The most that a call of ``train`` will be given.
        rows: The most that a batch will have.
    """
    # Each is imported by its name, and when it is used: it imports its engine.
    match load_keras().backend.backend():
        case "jax":
            from dropnorm.training.loops.jax import JaxLoop  # noqa: PLC0415

            return JaxLoop(model, optimizer, losses, steps, rows)
        case "torch":
            from dropnorm.training.loops.torch import TorchLoop  # noqa: PLC0415

            return TorchLoop(model, optimizer, losses, steps, rows)
        case _:
            from dropnorm.training.loops.tensorflow import TensorFlowLoop  # noqa: PLC0415

            return TensorFlowLoop(model, optimizer, losses, steps, rows)
