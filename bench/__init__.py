"""A benchmark that compares zlinkcompat with libzmq and others: see ``python -m bench --help``."""

from importlib.util import find_spec

for _name in ("hdrh", "matplotlib", "rich"):
    if find_spec(_name) is None:
        raise ImportError(f"the benchmark needs {_name}: pip install 'zlinkcompat[bench]'")
