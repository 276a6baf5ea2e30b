"""Methods of pyzmq's own classes that are plain Python and ask nothing of libzmq."""


def copy_methods(namespace, source, names):
    """Put methods of a pyzmq class into the body of one of ours.

    They are pyzmq's very functions, so they behave, and change, with the installed pyzmq. Only
    such can be borrowed as do not call ``super()``; what an older pyzmq lacks is left out.

    Parameters
    ----------
    namespace : dict
        ``locals()`` of the class body.
    source : type
    names : str
        Separated by blanks.
    """
    for name in names.split():
        if name in source.__dict__:
            namespace[name] = source.__dict__[name]
