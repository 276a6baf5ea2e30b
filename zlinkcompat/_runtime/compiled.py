"""Whether this is the compiled build. This file says no, and ``compiled.pyx`` says yes.

All compiled modules are built together, so this one module answers for all of them.
"""

COMPILED = False
