"""Refuse to start with faulty settings: all of them told at once, by name, before any function is served."""

from shared.bootstrap import settings


def check_settings() -> None:
    """Read and validate the environment; the first event finds the result.

    Raises:
        SettingsInvalid: naming every faulty setting and no value.
    """
    settings()
