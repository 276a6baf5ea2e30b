"""The workloads of the cases. Each module has the roles of one kind of case, as coroutines.

Libraries that block run the same source without ``async`` and ``await`` (:mod:`bench.blocking`). A
role gets an :class:`~bench.work.end.End`, and returns its part of the round's result.
"""
