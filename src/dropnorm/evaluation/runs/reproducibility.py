"""A run and its repetition: do they agree, and if not, within what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from dropnorm.evaluation.records import Process, RunRecord
    from dropnorm.training.switches import Switches

_EPOCH = ["split", "start", "epoch"]


@dataclass(frozen=True)
class Agreement:
    """How two histories of one variant agree.

    Attributes:
        replicas: In the first.
        epochs: In the first, of all replicas together.
        largest: Largest difference of a loss, in the units of the training; 0 if every number is
            the same to the last bit, inf where one is finite and the other is not, or where one
            history lacks an epoch.
        relative: That difference by the loss itself.
        first: Split, start and epoch in which they first differ; None if they do not.
    """

    replicas: int
    epochs: int
    largest: float = 0.0
    relative: float = 0.0
    first: tuple[int, int, int] | None = None

    def __str__(self) -> str:
        many = f"{self.epochs} epochs of {self.replicas} replica{'s' if self.replicas > 1 else ''}"
        if self.first is None:
            return f"{many} agree bit for bit"
        split, start, epoch = self.first
        where = f"first in epoch {epoch} of split {split}, start {start}"
        if math.isinf(self.largest):
            return f"{many} differ, {where}: what one has as a finite loss, the other has not"
        return f"{many} agree within {self.largest:.2g} ({self.relative:.1g} of the loss), {where}"


def compare_histories(first: pd.DataFrame, second: pd.DataFrame) -> Agreement:
    """Compare the losses of two histories, epoch by epoch.

    Args:
        first: Columns ``split``, ``start``, ``epoch``, then losses and metrics.
        second: The same of the repetition; its rows may be in another order.
    """
    one, other = (table.set_index(_EPOCH).sort_index() for table in (first, second))
    replicas = len(first.drop_duplicates(_EPOCH[:2]))
    agreement = Agreement(replicas, len(one))
    if list(one.columns) != list(other.columns):
        raise ValueError(f"columns {list(other.columns)}, where {list(one.columns)} are expected")
    places = one.index.union(other.index)
    x, y = (table.reindex(places).to_numpy(dtype=np.float64) for table in (one, other))
    lacks = ~(places.isin(one.index) & places.isin(other.index))
    same = (x == y) | (np.isnan(x) & np.isnan(y) & ~lacks[:, np.newaxis])
    if same.all():
        return agreement
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.where(same, 0.0, np.abs(x - y))
        apart = np.where(np.isnan(apart), np.inf, apart)
        largest = np.unravel_index(int(apart.argmax()), apart.shape)
        relative = float(apart[largest] / np.abs(x[largest]))
    split, start, epoch = places[int((~same).any(axis=1).argmax())]
    return Agreement(
        replicas,
        len(one),
        float(apart[largest]),
        relative if math.isfinite(relative) else math.inf,
        (int(split), int(start), int(epoch)),
    )


def what_may_explain(record: RunRecord, here: Process) -> dict[str, str]:
    """Return what of engine, switches, packages, Python and platform is another than in a record.

    Args:
        record: Of the run.
        here: Of this process.

    Returns:
        ``before → here`` by key.
    """
    pairs = {
        "engine": (record.engine, here.engine),
        "python": (record.python, here.python),
        "platform": (record.platform, here.platform),
        **{name: (record.packages.get(name), now) for name, now in here.packages.items()},
        **_switches(record.switches, here.switches),
    }
    return {key: f"{one} → {two}" for key, (one, two) in pairs.items() if one != two}


def _switches(record: Switches | None, here: Switches) -> dict[str, tuple[Any, Any]]:
    """Pair what of the switches of an engine is told; early records tell nothing of them."""
    if record is None:
        return {}
    one, other = ({**told.described(), **told.variables} for told in (record, here))
    return {
        name: (one.get(name), other.get(name)) for name in sorted({*one, *other} - {"variables"})
    }


def conclude(agreements: Iterable[Agreement], differing: Iterable[str]) -> str:
    """Say what a repetition has shown.

    Args:
        agreements: Of all variants.
        differing: What may explain that they do not agree to the last bit.

    Raises:
        BadInputError: If they do not, and nothing explains it.
    """
    if all(one.first is None for one in agreements):
        return "the repetition agrees bit for bit"
    if not (known := list(differing)):
        raise BadInputError(
            "the repetition differs, though engine, switches, packages, Python and platform are the"
            " same"
        )
    return f"the repetition agrees as far as another {', another '.join(known)} allows"
