"""What the ends of a case do, a module for each sort; written once, as coroutines.

Libraries that block run the same source with the awaits taken out (:mod:`bench.blocking`).
A role takes an :class:`~bench.end.End` and returns its part of the result of the round.
"""
