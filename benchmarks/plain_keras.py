"""One of the lesson's trainings as a plain Keras script: what this project is measured against.

    python benchmarks/plain_keras.py concrete batchnorm [--seeds 0 1 2] [--epochs 100]

It uses nothing of this project but the tables, and prints a line of JSON for each seed: seconds of
``fit``, of all from the start of the process, and the losses. With ``--whole-epochs`` Keras takes
all steps of an epoch in one call, by its own ``steps_per_execution``; with ``--jit`` it compiles
them with XLA, by its own ``jit_compile``.
"""

import time

BEGAN = time.perf_counter()

import argparse  # noqa: E402  # the clock starts before the imports
import json  # noqa: E402
import math  # noqa: E402
import random  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402
from lesson_rows import STUDIES, read  # noqa: E402

VARIANTS = ("baseline", "dropout", "batchnorm", "dropout_batchnorm")


def build(study: str, variant: str, inputs: int) -> keras.Sequential:
    """Return the network that the lesson shows, or its relative with other switches."""
    hidden, rate, *_ = STUDIES[study]
    dropout, batchnorm = "dropout" in variant, "batchnorm" in variant
    before_dense = study == "concrete"
    stack = [keras.Input((inputs,))]
    for units in hidden:
        if batchnorm and before_dense:
            stack.append(layers.BatchNormalization())
        stack.append(layers.Dense(units, activation="relu"))
        if dropout:
            stack.append(layers.Dropout(rate))
        if batchnorm and not before_dense:
            stack.append(layers.BatchNormalization())
    if batchnorm and before_dense:
        stack.append(layers.BatchNormalization())
    return keras.Sequential([*stack, layers.Dense(1)])


def main() -> None:
    """Train from each seed in turn, and print what it took and what came out."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("study", choices=STUDIES)
    options.add_argument("variant", choices=VARIANTS)
    options.add_argument("--seeds", type=int, nargs="+", default=[0])
    options.add_argument("--epochs", type=int)
    options.add_argument("--whole-epochs", action="store_true")
    options.add_argument("--jit", action="store_true")
    chosen = options.parse_args()
    for seed in chosen.seeds:
        told = train(
            chosen.study, chosen.variant, seed, chosen.epochs, chosen.whole_epochs, chosen.jit
        )
        print(json.dumps(told), flush=True)


def train(
    study: str, variant: str, seed: int, epochs: int | None, whole_epochs: bool, jit: bool
) -> dict[str, object]:
    """Train once, as the lesson does."""
    *_, optimizer, batch_size, usual = STUDIES[study]
    x_train, y_train, x_valid, y_valid = read(study)
    # Weights and masks. Not keras.utils.set_random_seed: with TensorFlow's own seed set, Keras 3.15
    # shuffles the rows for every epoch in the same way, and the lesson, which sets none, does not.
    random.seed(seed)
    model = build(study, variant, x_train.shape[1])
    model.compile(
        optimizer=optimizer,
        loss="mae",
        metrics=["mae"],
        steps_per_execution=math.ceil(len(x_train) / batch_size) if whole_epochs else 1,
        jit_compile=True if jit else "auto",
    )
    fit_began = time.perf_counter()
    history = model.fit(
        x_train,
        y_train,
        validation_data=(x_valid, y_valid),
        batch_size=batch_size,
        epochs=epochs or usual,
        verbose=0,
    ).history
    ended = time.perf_counter()
    finite = np.isfinite([*history["loss"], *history["val_loss"]]).all()
    return {
        "study": study,
        "variant": variant,
        "engine": keras.backend.backend(),
        "seed": seed,
        "diverged": not finite,
        "min_val_loss": min(history["val_loss"]) if finite else None,
        "final_loss": history["loss"][-1] if finite else None,
        "final_val_loss": history["val_loss"][-1] if finite else None,
        "fit_seconds": round(ended - fit_began, 3),
        "seconds": round(ended - BEGAN, 3),
    }


if __name__ == "__main__":
    main()
