"""Runs that take too long for the default tests: soak, load, faults at every byte, fuzzing.

See ``python -m reliability --help``. With ``--keep`` a run stores its results in ``results.json``.
``tools/generate_docs.py`` makes the tables of ``docs/reliability.md`` from this file.
"""
