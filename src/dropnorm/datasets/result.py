"""Save results as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kedro.io import DatasetError
from kedro_datasets.json import JSONDataset

from dropnorm.datasets.atomic_files import from_here
from dropnorm.datasets.kedro_compat import JSONPreview, load_path_of
from dropnorm.evaluation import results
from dropnorm.evaluation.json_form import Result, to_json
from dropnorm.evaluation.sweeps import sweep_results
from dropnorm.tuning import results as tuning_results

if TYPE_CHECKING:
    from collections.abc import Mapping

# Classes of results by name.
_KINDS: Mapping[str, type[Result]] = {
    kind.__name__: kind
    for kind in (
        results.VariantTraining,
        results.VariantMetrics,
        results.VariantExamination,
        results.TableFindings,
        results.SweepPoint,
        sweep_results.Choices,
        tuning_results.Trial,
        tuning_results.EqualBudget,
    )
}


class ResultDataset(JSONDataset):  # type: ignore[misc]  # has no types
    """A result, or a list of results, as JSON.

    Args:
        of: Name of the class, such as ``VariantMetrics``.
        kwargs: Arguments of ``kedro_datasets.json.JSONDataset``.
    """

    def __init__(self, *, of: str, **kwargs: Any) -> None:
        if of not in _KINDS:
            raise DatasetError(f"there is no result '{of}' (results: {', '.join(_KINDS)})")
        super().__init__(**kwargs)
        self._of = of

    def load(self) -> Result | list[Result]:
        """Load the result.

        Raises:
            DatasetError: If the file does not hold such a result.
        """
        kind, written = _KINDS[self._of], super().load()
        try:
            if isinstance(written, list):
                return [kind.from_json(one) for one in written]
            return kind.from_json(written)
        except ValueError as error:
            place = from_here(load_path_of(self))
            raise DatasetError(
                f"{place}: is not a result that this project saved; use another version, or run the"
                " study again"
            ) from error

    def save(self, data: Result | list[Result]) -> None:
        """Save the result."""
        super().save(to_json(data))

    def preview(self) -> JSONPreview:
        """Return the file for kedro-viz."""
        return JSONPreview(json.dumps(super().load()))
