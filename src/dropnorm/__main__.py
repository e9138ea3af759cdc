"""Runs the packaged project: ``python -m dropnorm --conf-source=… --pipelines=…``."""

import sys

from kedro.framework.project import configure_project

from dropnorm.cli import run


def main() -> None:
    """Run the project's ``run`` command outside the project's folder."""
    configure_project("dropnorm")
    sys.exit(run.main(prog_name="python -m dropnorm"))


if __name__ == "__main__":
    main()
