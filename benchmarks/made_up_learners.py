"""Sources of tables and cheap learners, vectorised over trainings, to test intervals on.

Every learner trains two arms on many parts of tables at once and predicts the rows that are held
out: ``learn(x, y, fresh, chance)`` takes inputs of shape (trainings, rows, columns), targets of
shape (trainings, rows), and inputs to predict of shape (trainings, held rows, columns), and returns
predictions of shape (2, trainings, held rows).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from sklearn.tree import DecisionTreeRegressor

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]
    Learn = Callable[[Floats, Floats, Floats, np.random.Generator], Floats]
    Draw = Callable[[int, np.random.Generator], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Source:
    """Where tables come from, and what is trained on them.

    Attributes:
        draw: Makes so many rows (so many groups, of a grouped source): inputs and targets.
        learn: Trains two arms.
        loss: ``mae``, ``rmse`` or ``log``.
        rows: Of a table.
        held: Rows of them that validate; they divide ``rows``, for folds.
        group: Rows that stand together.
        stratified: Whether classes have the same share in every part.
        repeats: Share of the repeats asked for, where a learner is slow.
    """

    draw: Draw
    learn: Learn
    loss: str = "mae"
    rows: int = 150
    held: int = 50
    group: int = 1
    stratified: bool = False
    repeats: float = 1.0


def wave(
    rows: int, chance: np.random.Generator, *, tail: float = np.inf, inputs: int = 5
) -> tuple[Floats, Floats]:
    """Draw a wave, a product and noise, with the tail of Student's t."""
    x = chance.normal(size=(rows, inputs))
    noise = chance.normal(size=rows) if np.isinf(tail) else chance.standard_t(tail, rows)
    return x, np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * noise


def slope(
    rows: int, chance: np.random.Generator, *, tail: float = np.inf, inputs: int = 6
) -> tuple[Floats, Floats]:
    """Draw a linear relation, whose last inputs say little or nothing."""
    x = chance.normal(size=(rows, inputs))
    weights = np.zeros(inputs)
    weights[:6] = [1.0, -1.0, 0.5, 0.15, 0.0, -0.15]
    noise = chance.normal(size=rows) if np.isinf(tail) else chance.standard_t(tail, rows)
    return x, x @ weights + noise


def crowds(rows: int, chance: np.random.Generator, *, size: int = 5) -> tuple[Floats, Floats]:
    """Draw groups of rows that share a part of inputs and noise."""
    groups = rows // size
    x = np.repeat(chance.normal(size=(groups, 6)), size, axis=0) + 0.5 * chance.normal(
        size=(rows, 6)
    )
    noise = np.repeat(chance.normal(size=groups), size) + 0.5 * chance.normal(size=rows)
    return x, x @ np.array([1.0, -1.0, 0.5, 0.15, 0.0, -0.15]) + noise


def classes(rows: int, chance: np.random.Generator, *, rare: float) -> tuple[Floats, Floats]:
    """Draw two classes, one of them rare."""
    x = chance.normal(size=(rows, 5))
    logit = 1.5 * x[:, 0] + x[:, 1] * x[:, 2] + np.log(rare / (1 - rare))
    return x, (chance.random(rows) < 1 / (1 + np.exp(-logit))).astype(float)


def least_squares(
    x: Floats, y: Floats, fresh: Floats, chance: np.random.Generator, *, inputs: tuple[int, int]
) -> Floats:
    """Fit each arm on so many inputs and rows drawn with replacement, which is its start."""
    arms = []
    for used in inputs:
        drawn = chance.integers(0, y.shape[1], y.shape)
        rows = np.take_along_axis(x[:, :, :used], drawn[:, :, None], axis=1)
        targets = np.take_along_axis(y, drawn, axis=1)
        across = rows.transpose(0, 2, 1)
        weights = np.linalg.solve(across @ rows + 1e-3 * np.eye(used), across @ targets[:, :, None])
        arms.append((fresh[:, :, :used] @ weights)[:, :, 0])
    return np.array(arms)


def shifted(x: Floats, y: Floats, fresh: Floats, chance: np.random.Generator) -> Floats:
    """Fit least squares twice, each moved by its start, which matters more than any row."""
    fitted = least_squares(x, y, fresh, chance, inputs=(6, 6))
    return fitted + chance.normal(0, 2, (*fitted.shape[:2], 1))


def soft_threshold(
    x: Floats, y: Floats, fresh: Floats, chance: np.random.Generator, *, levels: tuple[float, float]
) -> Floats:
    """Shrink marginal slopes; near levels are what sharper inference fails on (Bayle et al.)."""
    marginal = np.einsum("nrc,nr->nc", x, y) / y.shape[1]
    arms = [np.sign(marginal) * np.maximum(np.abs(marginal) - level, 0) for level in levels]
    return np.array([np.einsum("nrc,nc->nr", fresh, weights) for weights in arms])


def select_one(x: Floats, y: Floats, fresh: Floats, chance: np.random.Generator) -> Floats:
    """Fit the one input that correlates best, and all inputs."""
    marginal = np.einsum("nrc,nr->nc", x, y) / (x**2).sum(axis=1)
    best = np.abs(marginal).argmax(axis=1)
    number = np.arange(len(x))
    one = fresh[number, :, best] * marginal[number, best][:, None]
    every = least_squares(x, y, fresh, chance, inputs=(x.shape[2], x.shape[2]))[0]
    return np.array([one, every])


def neighbours(
    x: Floats, y: Floats, fresh: Floats, chance: np.random.Generator, *, counts: tuple[int, int]
) -> Floats:
    """Average the nearest rows."""
    distances = (
        (fresh**2).sum(axis=2)[:, :, None]
        + (x**2).sum(axis=2)[:, None, :]
        - 2 * fresh @ x.transpose(0, 2, 1)
    )
    arms = []
    for count in counts:
        near = np.argpartition(distances, count, axis=2)[:, :, :count]
        arms.append(np.take_along_axis(y[:, None, :], near, axis=2).mean(axis=2))
    return np.array(arms)


def trees(
    x: Floats, y: Floats, fresh: Floats, chance: np.random.Generator, *, depths: tuple[int, int]
) -> Floats:
    """Grow a tree of each depth, which looks at three inputs drawn anew at each split."""
    arms = []
    for depth in depths:
        predictions = []
        for rows, targets, new in zip(x, y, fresh, strict=True):
            tree = DecisionTreeRegressor(
                max_depth=depth, max_features=3, random_state=int(chance.integers(2**31))
            )
            predictions.append(tree.fit(rows, targets).predict(new))
        arms.append(predictions)
    return np.array(arms)


@dataclass(frozen=True)
class Networks:
    """One hidden layer, trained with Adam, all networks at once; arms differ in the two layers.

    Attributes:
        dropout: Rate of each arm.
        batchnorm: Whether each arm has batch normalization before its activation.
        logistic: Whether the output is a probability.
    """

    dropout: tuple[float, float] = (0.0, 0.0)
    batchnorm: tuple[bool, bool] = (False, False)
    hidden: int = 16
    rate: float = 0.02
    batch: int = 25
    epochs: int = 15
    logistic: bool = False
    bias: float = 0.0

    def __call__(self, x: Floats, y: Floats, fresh: Floats, chance: np.random.Generator) -> Floats:
        """Train both arms, from the same first weights unless they are one and the same."""
        x, y, fresh = (one.astype(np.float32) for one in (x, y, fresh))
        seed = int(chance.integers(2**63))
        # Equal arms differ by their start alone.
        same = self.dropout[0] == self.dropout[1] and self.batchnorm[0] == self.batchnorm[1]
        starts = [np.random.default_rng(seed + same * arm) for arm in (0, 1)]
        return np.array([self._train(x, y, fresh, start, arm) for arm, start in enumerate(starts)])

    def _train(
        self, x: Floats, y: Floats, fresh: Floats, chance: np.random.Generator, arm: int
    ) -> Floats:
        count, rows, inputs = x.shape
        weights = [
            chance.normal(size=(count, inputs, self.hidden)) * np.sqrt(2 / inputs),
            np.full((count, 1, self.hidden), self.bias),
            chance.normal(size=(count, self.hidden, 1)) / np.sqrt(self.hidden),
            np.zeros((count, 1, 1)),
            np.ones((count, 1, self.hidden)),
        ]
        weights = [one.astype(np.float32) for one in weights]
        first = [np.zeros_like(one) for one in weights]
        second = [np.zeros_like(one) for one in weights]
        step = 0
        for _ in range(self.epochs):
            order = chance.random((count, rows)).argsort(axis=1)
            for begin in range(0, rows - self.batch + 1, self.batch):
                of = order[:, begin : begin + self.batch]
                slopes = self._slopes(
                    weights,
                    np.take_along_axis(x, of[:, :, None], axis=1),
                    np.take_along_axis(y, of, axis=1)[:, :, None],
                    chance,
                    arm,
                )
                step += 1
                for place, slope_ in enumerate(slopes):
                    first[place] += 0.1 * (slope_ - first[place])
                    second[place] += 0.001 * (slope_**2 - second[place])
                    size = self.rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
                    weights[place] -= size * first[place] / (np.sqrt(second[place]) + 1e-7)
        into, bias, out, constant, scale = weights
        before, known = fresh @ into, x @ into
        if self.batchnorm[arm]:
            centre = known.mean(axis=1, keepdims=True)
            before = scale * (before - centre) / np.sqrt(known.var(axis=1, keepdims=True) + 1e-3)
        found = (np.maximum(before + bias, 0) @ out + constant)[:, :, 0]
        return _share(found) if self.logistic else found

    def _slopes(
        self, weights: list[Floats], x: Floats, y: Floats, chance: np.random.Generator, arm: int
    ) -> list[Floats]:
        into, bias, out, constant, scale = weights
        before = x @ into
        normed, deviation = before, np.float32(1)
        if self.batchnorm[arm]:
            deviation = np.sqrt(before.var(axis=1, keepdims=True) + np.float32(1e-3))
            normed = (before - before.mean(axis=1, keepdims=True)) / deviation
        active = scale * normed + bias
        kept = np.float32(1)
        if rate := self.dropout[arm]:
            kept = (chance.random(active.shape, dtype=np.float32) >= rate) / np.float32(1 - rate)
        hidden = np.maximum(active, 0) * kept
        found = hidden @ out + constant
        wrong = ((_share(found) if self.logistic else found) - y) / np.float32(x.shape[1])
        back = (wrong @ out.transpose(0, 2, 1)) * kept * (active > 0)
        of_scale = np.zeros_like(scale)
        through = back
        if self.batchnorm[arm]:
            of_scale = (back * normed).sum(axis=1, keepdims=True)
            scaled = back * scale
            through = (
                scaled
                - scaled.mean(axis=1, keepdims=True)
                - normed * (scaled * normed).mean(axis=1, keepdims=True)
            ) / deviation
        return [
            x.transpose(0, 2, 1) @ through,
            back.sum(axis=1, keepdims=True),
            hidden.transpose(0, 2, 1) @ wrong,
            wrong.sum(axis=1, keepdims=True),
            of_scale,
        ]


def _share(logit: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(logit, -30, 30)))


_DROPOUT, _BATCHNORM = (0.0, 0.3), (False, True)
SOURCES: dict[str, Source] = {
    "linear": Source(slope, partial(least_squares, inputs=(3, 6)), rows=60, held=20),
    "linear, 10 % held": Source(slope, partial(least_squares, inputs=(3, 6)), rows=100, held=10),
    "linear, A against A": Source(slope, partial(least_squares, inputs=(6, 6)), rows=60, held=20),
    "linear, heavy tails, RMSE": Source(
        partial(slope, tail=3), partial(least_squares, inputs=(3, 6)), "rmse"
    ),
    "linear, groups": Source(
        crowds, partial(least_squares, inputs=(3, 6)), rows=150, held=50, group=5
    ),
    "linear, few groups": Source(
        partial(crowds, size=10),
        partial(least_squares, inputs=(3, 6)),
        rows=240,
        held=80,
        group=10,
    ),
    "linear, starts matter most": Source(slope, shifted, rows=150, held=50),
    "soft thresholds, near": Source(
        partial(slope, inputs=20), partial(soft_threshold, levels=(0.1, 0.15)), "rmse"
    ),
    "one input of ten, or all": Source(partial(slope, inputs=10), select_one, rows=60, held=20),
    "neighbours": Source(wave, partial(neighbours, counts=(1, 5))),
    "trees": Source(wave, partial(trees, depths=(2, 6)), "rmse"),
    "networks, dropout": Source(wave, Networks(_DROPOUT)),
    "networks, batch norm, RMSE": Source(
        wave, Networks(batchnorm=_BATCHNORM), "rmse",
    ),
    "networks, A against A": Source(wave, Networks()),
    "networks, heavy tails, RMSE": Source(
        partial(wave, tail=3), Networks(_DROPOUT), "rmse",
    ),
    "networks, log loss, strata": Source(
        partial(classes, rare=0.3), Networks(_DROPOUT, logistic=True), "log", stratified=True,
        repeats=0.5,
    ),
    "networks, wide, batch of 8": Source(
        wave, Networks(_DROPOUT, hidden=64, rate=0.05, batch=8, epochs=8), repeats=0.3
    ),
    "networks, some dead": Source(
        wave, Networks(_DROPOUT, hidden=3, rate=0.1, bias=-1.5),
    ),
}  # fmt: skip
