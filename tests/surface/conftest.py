import of_25
import pytest
from sidebyside import LIBRARIES, Side

import zlinkcompat as zmq


def pytest_collection_modifyitems(items):
    if zmq.pyzmq_version_info()[0] == 25:
        # We behave like the newest pyzmq, so these comparisons with an older pyzmq must fail.
        for item in items:
            if "surface/" in item.nodeid and (reason := of_25.why(item.nodeid)):
                item.add_marker(pytest.mark.xfail(reason=f"pyzmq 25: {reason}", strict=True))


@pytest.fixture
def pair(make, bound):
    """``pair(zmq.PUSH, zmq.PULL)`` returns two connected sockets, of which the first is bound."""

    def pair(binder=zmq.PAIR, connecter=zmq.PAIR, endpoint="tcp://127.0.0.1:*"):
        one = bound(binder, endpoint)
        other = make(connecter)
        other.connect(one.last_endpoint)
        return one, other

    return pair


@pytest.fixture
def both(no_descriptor_is_left):
    """``both(scenario)`` runs ``scenario(side)`` on libzmq and on our package.

    Both results must be equal; it returns this result.
    """

    def both(scenario):
        results = {}
        for name in LIBRARIES:
            side = Side(name)
            try:
                results[name] = scenario(side)
            finally:
                side.close()
        assert results["zlinkcompat"] == results["pyzmq"]
        return results["pyzmq"]

    return both
