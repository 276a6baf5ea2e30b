"""Whether the compiled build runs: yes, since this file does. ``compiled.py`` says no.

All compiled modules are built together, so one stands for all.
"""

COMPILED = True
