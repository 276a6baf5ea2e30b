"""The backend has everything that pyzmq's stub, ``zmq/backend/__init__.pyi``, lists."""

import ast
import inspect
import pathlib

import pytest
import zmq.backend.select

import zlinkcompat.backend as backend

DESCRIPTION = pathlib.Path(zmq.backend.__file__).with_suffix(".pyi")
#: The stub describes monitored_queue by a protocol class, whose ``__call__`` has its parameters.
PRIVATE = {"_MonitoredQueueFunction": "monitored_queue"}
#: The stubs of older versions list names that their own backends lack or call differently.
accurate = pytest.mark.skipif(zmq.pyzmq_version_info() < (27,), reason="the description is wrong")


def described():
    """Yield the name and ``ast.arguments`` of each function and method, once per overload."""
    for node in ast.parse(DESCRIPTION.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node.args
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not is_property(member):
                    if node.name in PRIVATE:
                        yield PRIVATE[node.name], member.args
                    else:
                        yield f"{node.name}.{member.name}", member.args


def is_property(function):
    return any(getattr(d, "id", "") == "property" for d in function.decorator_list)


def attributes():
    for node in ast.parse(DESCRIPTION.read_text()).body:
        for member in getattr(node, "body", ()):
            if isinstance(member, ast.FunctionDef) and is_property(member):
                yield f"{node.name}.{member.name}"


def find(name):
    thing = backend
    for part in name.split("."):
        thing = getattr(thing, part)
    return thing


@accurate
@pytest.mark.parametrize("name, arguments", list(described()))
def test_function_takes_the_described_parameters(name, arguments):
    thing = find(name.removesuffix(".__init__"))
    try:
        ours = [p for p in inspect.signature(thing).parameters.values() if p.name != "self"]
    except ValueError:
        pytest.skip(f"{name} is a slot of a compiled class, and has no signature")
    wanted = [a.arg for a in (*arguments.posonlyargs, *arguments.args) if a.arg != "self"]
    found = [p.name for p in ours]
    assert found[: len(wanted)] == wanted
    assert {a.arg for a in arguments.kwonlyargs} <= set(found)
    # A caller need not pass our additional parameters, nor those that have a default in the stub.
    needed = len(wanted) - len(arguments.defaults)
    more = [p for p in ours[needed:] if p.kind.name not in ("VAR_POSITIONAL", "VAR_KEYWORD")]
    assert [p.name for p in more if p.default is p.empty] == []


@accurate
@pytest.mark.parametrize("name", list(attributes()))
def test_described_attribute_exists(name):
    assert find(name) is not None


def test_every_described_name_exists():
    names = set(zmq.backend.select.public_api) | {"monitored_queue", "device"}  # device: pyzmq 25.1
    assert names <= set(dir(backend)) and names <= set(backend.__all__)
