"""Express what a call does in a form that can be compared between the two libraries."""


def outcome(call, *args, **kwargs):
    """Return ``("returned", value)`` of a call, or ``(exception class name, errno)``.

    The errno is None for exceptions without one, such as TypeError.

    The errno is None for exceptions that have none, like TypeError.
    """
    try:
        value = call(*args, **kwargs)
    except Exception as e:
        return type(e).__name__, getattr(e, "errno", None)
    return "returned", value


def errors(*calls):
    """Return the `outcome` of each call without its return value, for calls that return objects."""
    return [o if o[0] != "returned" else "returned" for o in map(outcome, calls)]
