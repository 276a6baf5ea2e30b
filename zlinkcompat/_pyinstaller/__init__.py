"""PyInstaller's hook for programs that use zlinkcompat, which it finds by itself."""

from pathlib import Path


def hook_dirs():
    """Folders with hooks, for the entry point ``pyinstaller40``."""
    return [str(Path(__file__).parent)]
