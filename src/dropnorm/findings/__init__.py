"""The checks that find what no option is wrong for, and that a result must not rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dropnorm.findings.codes import CODES, Code, Severity

__all__ = ["CODES", "Code", "Finding", "Severity"]

# Of the rows of a part: fewer are a note, more are serious.
_A_NOTE, _SERIOUS = 0.01, 0.05


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        code: What was looked for, why it matters and what to do.
        where: The column, the part and split, or the variant.
        found: What was found, in words.
        count: How many rows, groups, runs or differences it concerns.
        of: Of how many.
    """

    code: Code
    where: str
    found: str
    count: int
    of: int

    @property
    def severity(self) -> Severity:
        """How much it matters to the answer."""
        if self.code.severity is not None:
            return self.code.severity
        share = self.count / max(1, self.of)
        if share < _A_NOTE:
            return Severity.NOTE
        return Severity.CAUTION if share < _SERIOUS else Severity.SERIOUS

    def sentence(self) -> str:
        """Return the finding in one plain sentence."""
        told = self.code.sentence.format(where=self.where, found=self.found)
        return f"{told[0].upper()}{told[1:]}."

    def line(self) -> str:
        """Return the finding in one line, for people."""
        return f"{self.code.code} {self.code.title}: {self.where}: {self.found}; {self._remedy()}"

    def _remedy(self) -> str:
        remedy = self.code.remedy.removesuffix(".")
        return remedy[0].lower() + remedy[1:]

    def described(self) -> dict[str, Any]:
        """Return everything there is to say, for JSON."""
        return {
            "code": self.code.code,
            "title": self.code.title,
            "severity": self.severity.value,
            "sentence": self.sentence(),
            "where": self.where,
            "found": self.found,
            "count": self.count,
            "of": self.of,
            "how": self.code.how,
            "why": self.code.why,
            "remedy": self.code.remedy,
        }

    @classmethod
    def read(cls, written: object) -> Finding:
        """Return the finding that :meth:`described` returned, in the words of that time.

        Raises:
            ValueError: If it is not one.
        """
        if isinstance(written, Finding):
            return written
        if not isinstance(written, Mapping):
            raise ValueError(f"a finding has a code and words, and is not {written!r:.40}")
        if missing := {"code", "title", "where", "found", "how", "why", "remedy", "count", "of"} - {
            *written
        }:
            raise ValueError(f"a finding has {sorted(missing)[0]}")
        where, found = str(written["where"]), str(written["found"])
        count, of = int(written["count"]), int(written["of"])
        if known := CODES.get(str(written["code"])):
            made = cls(known, where, found, count, of)
            if made.described() == {**written}:
                return made
        # What earlier versions wrote says neither how severe it is nor a sentence.
        severity = Severity(written.get("severity", Severity.CAUTION))
        sentence = str(written.get("sentence", "{where}: {found}")).removesuffix(".")
        if "sentence" in written:
            sentence = sentence.replace("{", "{{").replace("}", "}}")
        code, title, how, why, remedy = (
            str(written[name]) for name in ("code", "title", "how", "why", "remedy")
        )
        return cls(Code(code, title, how, why, remedy, severity, sentence), where, found, count, of)
