"""Long runs for which the default tests have no time: soak, load, faults at every byte, fuzzing.

See ``python -m reliability --help``. Results are stored in ``results.json``, from which
``tools/generate_docs.py`` generates the tables of ``docs/reliability.md``.
"""
