"""Run one end of perf/perf.py: ``perf_end.py FOLDER FUNCTION URL COUNT SIZE``.

perf.py itself starts both ends, so both would use the same library.
"""

import sys

sys.path.insert(0, sys.argv[1])

import perf

getattr(perf, sys.argv[2])(sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
print("end of", sys.argv[2])
