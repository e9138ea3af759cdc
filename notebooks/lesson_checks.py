"""Check the answers to the exercises of ``lesson.ipynb``, and say what is wrong with a wrong one."""

from __future__ import annotations

from typing import Any

CORRECT = "Correct."


def check_dropout(model: Any, units: tuple[int, ...] = (128, 64), rate: float = 0.3) -> str:
    """Say whether a network has dropout after each of its hidden layers.

    Args:
        model: The reader's ``keras.Sequential``.
        units: Of the hidden Dense layers.
        rate: The rate that is asked for.
    """
    if problem := _not_a_network(model, (*units, 1)):
        return problem
    kinds = [_kind(layer) for layer in model.layers]
    found = [layer for layer in model.layers if _kind(layer) == "Dropout"]
    if not found:
        return (
            "Not yet: there is no Dropout layer. Add one after each of the two hidden Dense layers."
        )
    if kinds[-1] == "Dropout":
        return (
            "Not yet: a Dropout layer stands after the last Dense layer, where it would set"
            " predictions to zero. The last layer must be Dense(1)."
        )
    if kinds[0] == "Dropout":
        return (
            "Not yet: a Dropout layer stands before the first Dense layer, where it switches off"
            " columns of the table. Put one after each of the two hidden Dense layers."
        )
    if len(found) != len(units):
        return f"Not yet: there should be {len(units)} Dropout layers, and there are {len(found)}."
    if kinds != ["Dense", "Dropout"] * len(units) + ["Dense"]:
        return (
            "Not yet: each Dropout layer must follow its own hidden Dense layer. Yours are in the"
            f" order {_order(kinds)}."
        )
    for layer in found:
        if abs(layer.rate - (1 - rate)) < 1e-9:
            return (
                f"Not yet: the rate is {layer.rate:g}. In Keras, the rate is the share that is"
                f" switched off, not the share that is kept; write {rate:g}."
            )
        if abs(layer.rate - rate) > 1e-9:
            return f"Not yet: the rate is {layer.rate:g}; this exercise asks for {rate:g}."
    return CORRECT


def check_batchnorm(model: Any, units: tuple[int, ...] = (512, 512, 512)) -> str:
    """Say whether a network has batch normalization before each of its Dense layers.

    Args:
        model: The reader's ``keras.Sequential``.
        units: Of the hidden Dense layers.
    """
    if problem := _not_a_network(model, (*units, 1)):
        return problem
    kinds = [_kind(layer) for layer in model.layers]
    dense = kinds.count("Dense")
    found = kinds.count("BatchNormalization")
    if not found:
        others = {"LayerNormalization", "Normalization", "GroupNormalization"} & set(kinds)
        if others:
            return (
                f"Not yet: {others.pop()} is another layer. This exercise asks for"
                " BatchNormalization."
            )
        return (
            "Not yet: there is no BatchNormalization layer. Add one before each of the four Dense"
            " layers."
        )
    if kinds[-1] == "BatchNormalization":
        return (
            "Not yet: a BatchNormalization layer stands after the last Dense layer, where it would"
            " normalize the predictions. Put each one before its Dense layer."
        )
    if kinds[0] != "BatchNormalization":
        return (
            "Not yet: the first Dense layer still gets the raw columns. Put a BatchNormalization"
            " layer before it."
        )
    if found != dense or kinds != ["BatchNormalization", "Dense"] * dense:
        missing = [
            str(sum(kind == "Dense" for kind in kinds[: place + 1]))
            for place, kind in enumerate(kinds)
            if kind == "Dense" and (place == 0 or kinds[place - 1] != "BatchNormalization")
        ]
        if missing:
            return (
                "Not yet: there is no BatchNormalization layer directly before Dense layer"
                f" {' and '.join(missing)} (counted from 1)."
            )
        return f"Not yet: one BatchNormalization layer is too many. Yours are in the order {_order(kinds)}."
    return CORRECT


def check_plot(axes: Any, history: Any) -> str:
    """Say whether a plot shows the training and the validation loss by epoch.

    Args:
        axes: The Matplotlib axes that the reader's plot returned.
        history: What ``fit`` returned.
    """
    if axes is None or axes is Ellipsis:
        return "Not yet: there is no plot. Assign what the plot function returns to `axes`."
    if not hasattr(axes, "get_lines"):
        return (
            f"Not yet: `axes` is a {type(axes).__name__}. Assign what the `plot` method of a"
            " DataFrame returns."
        )
    losses = {name: list(history.history[name]) for name in ("loss", "val_loss")}
    epochs = len(losses["loss"])
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()]
    if not lines:
        return "Not yet: the plot is empty. Plot the columns loss and val_loss."
    if any(x == losses["loss"] and y == losses["val_loss"] for x, y in lines):
        return (
            "Not yet: the plot has loss on one axis and val_loss on the other. Both belong on the"
            " vertical axis, with the epochs on the horizontal one."
        )
    shown = {name for name, values in losses.items() if any(y == values for _, y in lines)}
    if missing := sorted(set(losses) - shown):
        if any(len(y) < epochs for _, y in lines):
            return f"Not yet: a line has fewer than {epochs} epochs. Plot all of them."
        return f"Not yet: the plot does not show {' and '.join(missing)}."
    return CORRECT


def _kind(layer: Any) -> str:
    return type(layer).__name__


def _order(kinds: list[str]) -> str:
    return " → ".join(kinds)


def _not_a_network(model: Any, units: tuple[int, ...]) -> str:
    """Say what is wrong with a network apart from the layer that an exercise asks for."""
    if isinstance(model, (list, tuple)):
        return "Not yet: this is a list of layers. Put it into keras.Sequential([…])."
    if not hasattr(model, "layers"):
        return (
            f"Not yet: this is a {type(model).__name__}, not a network. Use keras.Sequential([…])."
        )
    found = tuple(layer.units for layer in model.layers if _kind(layer) == "Dense")
    if found != units:
        return (
            f"Not yet: the Dense layers must stay as they were, with {', '.join(map(str, units))}"
            f" units; yours have {', '.join(map(str, found)) or 'none'}."
        )
    return ""
