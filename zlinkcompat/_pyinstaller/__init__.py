"""PyInstaller's hook for programs that use zlinkcompat. PyInstaller finds it by itself."""

from pathlib import Path


def hook_dirs() -> list[str]:
    """Return the folders with hooks, for the entry point ``pyinstaller40``."""
    return [str(Path(__file__).parent)]
