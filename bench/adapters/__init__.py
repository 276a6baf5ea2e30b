"""The libraries under test. Each library is a module of this package with a class ``Library``,
which derives from ``Adapter``. Its name may be followed by settings, as in
``zlink@ZLINK_BUSY_POLL=0``."""

import pkgutil
from functools import cache
from importlib import import_module


@cache
def known():
    """Return a dict of the adapter classes by name, sorted by their ``order``."""
    found = []
    for module in pkgutil.iter_modules(__path__):
        library = getattr(import_module(f"{__name__}.{module.name}"), "Library", None)
        if library is not None:
            found.append(library)
    return {library.name: library for library in sorted(found, key=lambda each: each.order)}


def adapter(name):
    """Return the adapter of a library.

    Parameters
    ----------
    name : str
        ``NAME`` or ``NAME@VARIABLE=VALUE,...``. The variables are set in the environment of the
        library's processes.

    Raises
    ------
    ValueError
        There is no such library, or a setting is not ``VARIABLE=VALUE``.
    """
    base, _, settings = name.partition("@")
    library = known().get(base)
    if library is None:
        raise ValueError(f"no library {base!r}; there are {', '.join(known())}")
    made = library()
    made.name = name
    if settings:
        pairs = [each.partition("=") for each in settings.split(",")]
        for variable, equals, _ in pairs:
            if not variable or not equals:
                raise ValueError(f"{name!r}: {variable!r} is not VARIABLE=VALUE")
        made.environment = {**made.environment, **{key: value for key, _, value in pairs}}
    return made
