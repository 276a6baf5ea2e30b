"""Whether the compiled build runs. All compiled modules are built together, so one stands for all.

Cython is needed only to compile. The compiler resolves the names below without importing it.
"""

try:
    import cython
except ImportError:
    COMPILED = False
else:
    COMPILED = cython.compiled
