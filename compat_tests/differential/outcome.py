"""Express what a call does in a form that can be compared between the two libraries."""


def outcome(call, *args, **kwargs):
    """Return ``("returned", value)`` of a call, or ``(exception class name, errno)``.

    The errno is None for exceptions without one, such as TypeError.
    """
    try:
        value = call(*args, **kwargs)
    except Exception as e:
        return type(e).__name__, getattr(e, "errno", None)
    return "returned", value


def errors(*calls):
    """Return the `outcome` of each call, but without the returned value.

    Use this for calls that return objects, which cannot be compared.
    """
    return [o if o[0] != "returned" else "returned" for o in map(outcome, calls)]
