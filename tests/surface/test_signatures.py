"""Our classes have all public methods and attributes of pyzmq's, with the same parameters."""

import importlib
import inspect
from types import ModuleType

import pytest
import zmq
import zmq.green
from submodules import SUBMODULES

import zlinkcompat
import zlinkcompat.backend
import zlinkcompat.green

CLASSES = ("Socket", "Context", "Frame", "Poller", "MessageTracker")
FUNCTIONS = (
    "select",
    "zmq_poll",
    "proxy",
    "proxy_steerable",
    "device",
    "strerror",
    "zmq_errno",
    "has",
    "zmq_version",
    "zmq_version_info",
    "curve_keypair",
    "curve_public",
)
#: Special methods that our classes must have as well.
SPECIAL = {
    "Socket": {"__enter__", "__exit__", "__copy__", "__deepcopy__", "__repr__", "__dir__"},
    "Context": {
        "__enter__",
        "__exit__",
        "__copy__",
        "__deepcopy__",
        "__repr__",
        "__dir__",
        "__delattr__",
    },
    "Frame": {"__len__", "__eq__", "__copy__", "__getitem__", "__repr__"},
    "Poller": {"__contains__"},
    "MessageTracker": set(),
}


def public(cls, name):
    return {n for n in dir(cls) if not n.startswith("_")} | SPECIAL[name]


def parameters(function):
    """Return the name, kind and default of each parameter; None if there is no signature."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    # Compiled methods take self by position only.
    found = [
        (p.name, p.kind.name, p.default) for p in signature.parameters.values() if p.name != "self"
    ]
    # A method with only *args and **kwargs passes them on to a function that we cannot find.
    return None if [kind for _, kind, _ in found] == ["VAR_POSITIONAL", "VAR_KEYWORD"] else found


def differences(real, ours):
    """Return None if both accept the same arguments; otherwise both lists of parameters."""
    expected, found = parameters(real), parameters(ours)
    return None if expected is None or expected == found else (expected, found)


MEMBERS = [(cls, name) for cls in CLASSES for name in sorted(public(getattr(zmq, cls), cls))]


@pytest.mark.parametrize("cls, name", MEMBERS, ids=[".".join(member) for member in MEMBERS])
def test_member_exists_and_is_of_the_same_kind(cls, name):
    real, ours = getattr(zmq, cls), getattr(zlinkcompat, cls)
    assert hasattr(ours, name)
    assert callable(getattr(ours, name)) == callable(getattr(real, name))


METHODS = [
    (cls, name)
    for cls, name in MEMBERS
    if callable(getattr(getattr(zmq, cls), name)) and not name.startswith("__")
]


@pytest.mark.parametrize("cls, name", METHODS, ids=[".".join(method) for method in METHODS])
def test_method_takes_the_same_parameters(cls, name):
    real, ours = getattr(getattr(zmq, cls), name), getattr(getattr(zlinkcompat, cls), name)
    assert differences(real, ours) is None


#: Names in pyzmq's modules that exist for type checkers only. They are not pyzmq's public classes,
#: and have no signatures to compare.
OTHER_CLASSES = {"SyncContext", "SyncSocket"}


def described(module):
    """Yield ``(path, object)`` of a module's public definitions and its classes' methods."""
    for name, value in vars(module).items():
        home = getattr(value, "__module__", None) or ""
        if (
            name.startswith("_")
            or isinstance(value, ModuleType)
            or not callable(value)
            or not home.startswith("zmq")
            or name in OTHER_CLASSES
        ):
            continue
        yield (name,), value
        if inspect.isclass(value):
            for member in dir(value):
                if member == "__init__" or not member.startswith("_"):
                    # Skip members that only instances have: they are not attributes of the class.
                    method = getattr(value, member, None)
                    if callable(method):
                        yield (name, member), method


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodule_functions_take_the_same_parameters(name):
    ours = importlib.import_module(f"zlinkcompat.{name}")
    different = {}
    for path, real in described(importlib.import_module(f"zmq.{name}")):
        found = ours
        for part in path:
            found = getattr(found, part)
        if found is not real and differences(real, found) is not None:
            different[path] = differences(real, found)
    assert different == {}


@pytest.mark.parametrize("cls", CLASSES)
def test_constructor_takes_the_same_parameters(cls):
    assert differences(getattr(zmq, cls), getattr(zlinkcompat, cls)) is None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_takes_the_same_parameters(name):
    assert differences(getattr(zmq, name), getattr(zlinkcompat, name)) is None


def test_monitored_queue_takes_the_same_parameters():
    from zmq.devices import monitored_queue

    assert differences(monitored_queue, zlinkcompat.backend.monitored_queue) is None


@pytest.mark.parametrize("cls", ["Socket", "Context", "Poller"])
def test_green_has_the_same_members(cls):
    real, green = getattr(zmq, cls), getattr(zlinkcompat.green, cls)
    assert public(real, cls) <= set(dir(green))


@pytest.mark.parametrize("cls", ["Socket", "Context", "Poller"])
def test_green_takes_the_same_parameters(cls):
    """The methods of our green classes take the same parameters as those of ``zmq``.

    We do not compare them with ``zmq.green``, whose methods only have ``*args, **kwargs``.
    """
    real, green = getattr(zmq, cls), getattr(zlinkcompat.green, cls)
    names = ["__init__", *(name for each, name in METHODS if each == cls)]
    found = {name: differences(getattr(real, name), getattr(green, name)) for name in names}
    assert {name: difference for name, difference in found.items() if difference} == {}


def test_green_device_takes_the_same_parameters():
    assert differences(zmq.green.device, zlinkcompat.green.device) is None


@pytest.mark.parametrize("name", ["SUBSCRIBE", "LINGER", "RCVTIMEO", "HEARTBEAT_IVL"])
def test_dir_of_a_socket_lists_the_options(context, name):
    with context.socket(zlinkcompat.SUB) as sock:
        assert name in dir(sock) and "recv" in dir(sock)


def test_dir_of_a_context_lists_its_options(context):
    assert {"IO_THREADS", "MAX_SOCKETS", "socket", "term"} <= set(dir(context))


def test_classes_can_be_subscripted_in_annotations():
    assert zlinkcompat.Context[zlinkcompat.Socket]
    assert zlinkcompat.Socket[bytes]
