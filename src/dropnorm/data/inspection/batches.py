"""Check the batches of networks with batch normalization before they are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropnorm.findings import CODES, Finding
from dropnorm.study.arms import arm_names, arm_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dropnorm.study.schema import Study

# Smaller batches estimate mean and variance poorly (Wu and He 2018, section 1).
_FEW = 8
_FEWEST = 2
# Share of the initial values in the moving statistics from which they have settled.
_SETTLED = 0.01
# Name of all networks with batch normalization, if they have the same training options.
_ALL = "batch normalization"


def check_batches(
    trained: Sequence[int], study: Study, choosing: Sequence[int] = ()
) -> Iterator[Finding]:
    """Find DN019, statistics that do not settle, and DN020, batches that are too small.

    Args:
        trained: Number of training rows of each split.
        study: Study with the training options of each compared network.
        choosing: Number of these rows in each split that choose and do not train, of networks that
            set rows aside.
    """
    all_rows = trained
    for where, arm in _normalized(study).items():
        training, momentum = arm.training, arm.network.batchnorm.momentum
        trained = all_rows
        if "training" in training.looked_at:
            trained = [rows - aside for rows, aside in zip(all_rows, choosing, strict=True)]
        size, split = training.batch_size, min(range(len(trained)), key=lambda k: trained[k])
        by_epoch = -(-trained[split] // size)
        steps = by_epoch * training.epochs
        if momentum**steps > _SETTLED:
            left = f"{100 * momentum**steps:.2g} % of their first values"
            yield Finding(
                CODES["DN019"],
                where,
                f"{steps} steps at a momentum of {momentum:g} leave {left}",
                steps,
                steps,
            )
        yield from _small(where, size, trained)


def _small(where: str, size: int, trained: Sequence[int]) -> Iterator[Finding]:
    if min(size, *trained) < _FEW:
        rows = min(size, *trained)
        yield Finding(CODES["DN020"], where, f"a batch has {_rows(rows)}", rows, rows)
        return
    left = {split: rows % size for split, rows in enumerate(trained)}
    small = {split: rows for split, rows in left.items() if 0 < rows <= _FEWEST}
    if small:
        split = min(small, key=lambda k: small[k])
        of = f" in {len(small)} of {len(trained)} splits" if len(trained) > 1 else ""
        found = (
            f"{trained[split]} rows in batches of {size} leave {_rows(small[split])} for the last"
            f" batch of an epoch{of}"
        )
        yield Finding(CODES["DN020"], where, found, len(small), len(trained))


def _normalized(study: Study) -> dict[str, Study]:
    """Return the studies of the networks with batch normalization, a single one if all agree."""
    arms = [arm_of(study, name) for name in arm_names(study)]
    found = {one.name: one.study for one in arms if one.variant.has_batchnorm}
    options = {
        (
            one.training.batch_size,
            one.training.epochs,
            one.network.batchnorm.momentum,
            "training" in one.training.looked_at,
        )
        for one in found.values()
    }
    return {_ALL: next(iter(found.values()))} if len(options) == 1 else found


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"
