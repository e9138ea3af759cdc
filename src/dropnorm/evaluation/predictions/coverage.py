"""How many targets the intervals of MC dropout hold."""

from __future__ import annotations

from dataclasses import dataclass

import scipy

from dropnorm.findings import CODES, Finding

# What the interval is to hold, and the level of the test that it holds less.
_PROMISED, _LEVEL = 0.95, 0.05


@dataclass(frozen=True)
class Coverage:
    """What the intervals of MC dropout hold of the validation rows.

    Attributes:
        held: Rows whose target lies in the interval of the network that did not train on it, summed
            over the networks.
        rows: How many there are, summed likewise.
        networks: How many networks drew.
    """

    held: int
    rows: int
    networks: int

    @property
    def share(self) -> float:
        """Share of the rows."""
        return self.held / self.rows

    def sentence(self) -> str:
        """Say it to a person."""
        return (
            f"The 95 % interval of MC dropout holds {100 * self.share:.0f} % of the targets of the"
            f" validation rows ({self.held} of {self.rows}, each network on its own)."
        )

    def finding(self) -> Finding | None:
        """Return DN024 if the share is below what the interval promises, by more than chance.

        Rows that validate in several splits count once: networks share them.
        """
        units = max(1, self.rows // self.networks)
        held = round(self.share * units)
        if scipy.stats.binom.cdf(held, units, _PROMISED) >= _LEVEL:
            return None
        told = f"{100 * self.share:.0f} % of {self.rows} in place of 95 %"
        return Finding(CODES["DN024"], "validation rows", told, self.held, self.rows)
