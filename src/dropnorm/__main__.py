"""Runs the packaged project: ``python -m dropnorm --conf-source=… --pipelines=…``."""

import logging
import sys

from dropnorm.start import begin_imports


def main() -> None:
    """Run the project's ``run`` command outside the project's folder."""
    begin_imports()
    # Kedro tells as it is imported which logging configuration it found.
    logging.disable(logging.INFO)
    from kedro.framework.project import configure_project  # noqa: PLC0415

    from dropnorm.cli.main import run  # noqa: PLC0415

    logging.disable(logging.NOTSET)
    configure_project("dropnorm")
    sys.exit(run.main(prog_name="python -m dropnorm"))


if __name__ == "__main__":
    main()
