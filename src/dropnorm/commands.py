"""Commands as a person types them, in messages that say what to do."""

from __future__ import annotations

import shlex


def kedro_command(*words: str, env: str | None, conf_source: str | None = None) -> str:
    """Return a command of Kedro's that uses the same configuration as this process.

    Args:
        words: Behind ``kedro``.
        env: The environment in use; None if none was asked for.
        conf_source: The configuration in use, where it is not the project's own.
    """
    options = {"--env": env, "--conf-source": conf_source}
    given = [f"{option}={value}" for option, value in options.items() if value]
    return shlex.join(["kedro", *words, *given])
