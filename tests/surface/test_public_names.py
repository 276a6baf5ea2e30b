"""``import zlinkcompat as zmq`` has every public name that ``import zmq`` has."""

import importlib
import pathlib
import sys
from configparser import ConfigParser

import pytest
import zmq

import zlinkcompat
import zlinkcompat.green
from zlinkcompat.debug import build_info
from zlinkcompat.version import VERSION
from zlinkcompat.wire.security import sodium

OURS = {  # objects of our own; every other name is pyzmq's object
    "Context",
    "Socket",
    "Frame",
    "Message",
    "MessageTracker",
    "Poller",
    "SyncContext",
    "SyncSocket",
    "select",
    "device",
    "proxy",
    "proxy_steerable",
    "zmq_poll",
    "zmq_errno",
    "zmq_version",
    "zmq_version_info",
    "strerror",
    "has",
    "curve_keypair",
    "curve_public",
}
ERRORS = (
    "ZMQBaseError",
    "ZMQError",
    "ZMQBindError",
    "NotDone",
    "ContextTerminated",
    "InterruptedSystemCall",
    "Again",
    "ZMQVersionError",
)


@pytest.mark.parametrize(
    "entry_point", [zlinkcompat, zlinkcompat.green], ids=lambda entry_point: entry_point.__name__
)
def test_no_public_name_is_missing(entry_point):
    assert [name for name in zmq.__all__ if not hasattr(entry_point, name)] == []
    assert set(zmq.__all__) <= set(entry_point.__all__)


def test_dir_lists_every_public_name():
    assert set(zlinkcompat.__all__) <= set(dir(zlinkcompat))


def test_every_name_in_all_exists():
    assert [name for name in zlinkcompat.__all__ if not hasattr(zlinkcompat, name)] == []


def test_constants_are_identical_to_pyzmqs():
    names = zmq.constants.__all__
    assert len(names) > 200
    assert [n for n in names if getattr(zlinkcompat, n) is not getattr(zmq, n)] == []


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_identical_to_pyzmqs(name):
    assert getattr(zlinkcompat, name, getattr(zlinkcompat.error, name)) is getattr(zmq.error, name)


def test_other_names_are_pyzmqs_objects():
    other = [n for n in zmq.__all__ if getattr(zlinkcompat, n) is not getattr(zmq, n)]
    assert set(other) <= OURS


@pytest.mark.parametrize("name", ["Context", "Socket", "Frame", "Poller", "MessageTracker"])
def test_classes_of_the_core_are_ours(name):
    assert getattr(zlinkcompat, name) is not getattr(zmq, name)
    assert getattr(zlinkcompat, name).__module__.startswith("zlinkcompat")


def test_duplicate_names_of_pyzmq_are_one_object():
    assert zlinkcompat.Message is zlinkcompat.Frame
    assert zlinkcompat.SyncContext is zlinkcompat.Context
    assert zlinkcompat.SyncSocket is zlinkcompat.Socket


@pytest.mark.parametrize("name", ["constants", "error"])
def test_constants_and_error_submodules_are_pyzmqs(name):
    assert getattr(zlinkcompat, name) is getattr(zmq, name)


@pytest.mark.parametrize("name", ["no_such_name", "__no_such_name__", "_no_such_name"])
def test_an_unknown_name_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match=name):
        getattr(zlinkcompat, name)


def test_an_unknown_name_cannot_be_imported():
    with pytest.raises(ImportError):
        exec("from zlinkcompat import no_such_name", {})


def test_star_import_gives_the_public_names():
    names = {}
    exec("from zlinkcompat import *", names)
    assert set(zmq.__all__) <= names.keys()
    assert names["Socket"] is zlinkcompat.Socket


@pytest.mark.parametrize("name", ["tuning", "debug", "green", "backend", "errors"])
def test_submodules_can_be_imported_from_the_package(name):
    names = {}
    exec(f"from zlinkcompat import {name}", names)
    assert names[name] is importlib.import_module(f"zlinkcompat.{name}")


def test_backend_has_every_name_pyzmq_requires():
    backend = importlib.import_module("zlinkcompat.backend")
    import zmq.backend.select as select

    assert set(select.public_api) <= set(dir(backend))


def test_version_is_that_of_the_pyzmq_api():
    assert zlinkcompat.__version__ == zmq.__version__
    assert VERSION.count(".") == 2 and build_info()["version"] == VERSION


# -- functions of the module -----------------------------------------------------------------


def test_emulated_libzmq_version_is_4_3_5():
    assert zlinkcompat.zmq_version_info() == (4, 3, 5)
    assert zlinkcompat.zmq_version() == "4.3.5"


def test_version_functions_exist():
    assert zlinkcompat.pyzmq_version() == zmq.pyzmq_version()
    assert zlinkcompat.pyzmq_version_info() == zmq.pyzmq_version_info()


@pytest.mark.parametrize(
    "capability, there",
    [
        ("ipc", True),
        ("curve", True),
        ("gssapi", False),
        ("pgm", False),
        ("norm", False),
        ("draft", False),
        ("no such thing", False),
    ],
)
def test_has_capabilities(capability, there):
    assert zlinkcompat.has(capability) is there


@pytest.mark.parametrize("capability", [None, 7])
def test_has_requires_text(capability):
    with pytest.raises(Exception) as real:
        zmq.has(capability)
    with pytest.raises(type(real.value)):
        zlinkcompat.has(capability)


def test_draft_api_is_off():
    assert zlinkcompat.DRAFT_API is False


@pytest.mark.parametrize("name", sorted(zmq.Errno.__members__))
def test_strerror_equals_libzmqs(name):
    number = zmq.Errno[name].value
    assert zlinkcompat.strerror(number) == zmq.strerror(number)


@pytest.mark.parametrize("number", [0, 1, -1, 99999])
def test_strerror_of_other_numbers(number):
    assert zlinkcompat.strerror(number) == zmq.strerror(number)


def test_strerror_requires_a_number():
    with pytest.raises(TypeError):
        zmq.strerror("EAGAIN")
    with pytest.raises(TypeError):
        zlinkcompat.strerror("EAGAIN")


def test_zmq_errno_returns_the_last_error(context):
    sock = context.socket(zlinkcompat.REQ)
    with pytest.raises(zlinkcompat.ZMQError):
        sock.recv()
    assert zlinkcompat.zmq_errno() == zlinkcompat.EFSM
    with pytest.raises(zlinkcompat.ZMQError):
        sock.bind("nothing")
    assert zlinkcompat.zmq_errno() == zlinkcompat.EINVAL


# -- keys --------------------------------------------------------------------------------------


def test_curve_keypair():
    public, secret = zlinkcompat.curve_keypair()
    assert len(public) == len(secret) == 40 and public != secret
    assert zlinkcompat.curve_public(secret) == zmq.curve_public(secret) == public
    assert zlinkcompat.curve_keypair() != (public, secret)


@pytest.mark.parametrize(
    "secret",
    [
        "x" * 40,
        b"x" * 40,
        bytearray(b"x" * 40),
        b"x" * 39,
        b"x" * 41,
        b"~" * 40,
        b"#" * 40,
        b"",
        5,
        None,
    ],
    ids=repr,
)
def test_curve_public_equals_libzmqs(secret):
    assert result(zlinkcompat.curve_public, secret) == result(zmq.curve_public, secret)


def result(call, *arguments):
    try:
        return call(*arguments)
    except Exception as error:
        return type(error), getattr(error, "errno", None) or str(error)


def test_curve_does_not_require_an_extra():
    setup = ConfigParser(interpolation=None)
    setup.read(pathlib.Path(__file__).parents[2] / "setup.cfg")
    assert "PyNaCl" in setup["options"]["install_requires"]
    assert setup["options.extras_require"]["curve"] == ""


@pytest.fixture
def without_pynacl(monkeypatch):
    monkeypatch.setitem(sys.modules, "nacl", None)
    monkeypatch.delitem(sys.modules, "nacl.bindings", raising=False)
    sodium.bindings.cache_clear()
    yield
    sodium.bindings.cache_clear()


@pytest.mark.parametrize(
    "call, errno",
    [
        (zlinkcompat.curve_keypair, zmq.ENOTSUP),
        (lambda: zlinkcompat.curve_public(b"x" * 40), zmq.ENOTSUP),
        (
            lambda: zlinkcompat.Context.instance().socket(zmq.REP).set(zmq.CURVE_SERVER, 1),
            zmq.EINVAL,
        ),
    ],
    ids=["curve_keypair", "curve_public", "CURVE_SERVER"],
)
def test_curve_without_pynacl_is_refused(without_pynacl, call, errno):
    assert not zlinkcompat.has("curve")
    with pytest.raises(zlinkcompat.ZMQError) as caught:
        call()
    assert caught.value.errno == errno and "pip install PyNaCl" in str(caught.value)
