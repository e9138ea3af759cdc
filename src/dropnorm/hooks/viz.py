"""What a run leaves for kedro-viz."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from kedro.framework.hooks import hook_impl

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext


class VizHooks:
    """Removes the statistics of tables that kedro-viz keeps of a run.

    There is one file of them for all environments: the rows of a made-up table would stand beside
    the real one. Previews are of the files of the environment in use.
    """

    def __init__(self) -> None:
        self._folder = Path()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Learn where the project is."""
        self._folder = context.project_path

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """Remove the statistics when kedro-viz has written them."""
        with suppress(OSError):  # it costs no result
            (self._folder / ".viz" / "stats.json").unlink(missing_ok=True)
