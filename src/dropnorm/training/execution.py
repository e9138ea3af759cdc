"""Where trainings run and are kept, as one value that is passed on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# Environment variables that say so for one command; "off" is none.
MEMORY = "DROPNORM_MEMORY"
CLUSTER = "DROPNORM_CLUSTER"
_OFF = "off"


@dataclass(frozen=True)
class Execution:
    """Where trainings run and are kept. It has no part in their numbers.

    Attributes:
        memory: Folder of trainings that are known; None keeps none.
        cluster: Address of the Dask scheduler that trains, or ``local`` for one that the run
            starts; None trains on this machine without one.
        workers: How many trainings run at a time on this machine; None for one on each core, or on
            as many cores as a study names threads.
    """

    memory: Path | None = None
    cluster: str | None = None
    workers: int | None = None

    @classmethod
    def from_environment(cls, memory: Path | None = None, cluster: str | None = None) -> Execution:
        """Return what the environment variables say, and what is given where they say nothing."""
        named, scheduler = os.environ.get(MEMORY), os.environ.get(CLUSTER)
        if named:
            memory = None if named == _OFF else Path(named)
        if scheduler:
            cluster = None if scheduler == _OFF else scheduler
        return cls(memory, cluster)


# Trained in this process or in workers of its own, and nothing is kept.
HERE = Execution()


def forget_beyond(size: int, memory: Path | None) -> None:
    """Bound the size of the memory, in bytes: what was not asked for longest goes first."""
    if memory is not None and memory.is_dir():
        import joblib  # noqa: PLC0415  # takes long

        joblib.Memory(memory, verbose=0).reduce_size(bytes_limit=size)
