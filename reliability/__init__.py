"""Long runs that the default tests have no time for: soak, load, faults at every byte, fuzzing.

``python -m reliability --help``. What they found is kept in ``results.json``, of which
``tools/generate_docs.py`` makes the tables of ``docs/reliability.md``.
"""
