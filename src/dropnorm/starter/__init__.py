"""Template of a project of your own: ``kedro new --starter=dropnorm``.

The project holds a study, its table and its configuration. Its code is this package.
"""

from pathlib import Path

from kedro.framework.cli.starters import KedroStarterSpec

STARTERS = [KedroStarterSpec("dropnorm", str(Path(__file__).parent))]
