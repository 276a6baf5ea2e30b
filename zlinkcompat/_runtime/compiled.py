"""Whether the compiled build runs: no, since this file does. ``compiled.pyx`` says yes.

All compiled modules are built together, so one stands for all.
"""

COMPILED = False
