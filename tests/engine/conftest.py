import pytest
from process import Program
from rawpeer import RawListener, RawPeer
from watching import Monitor


@pytest.fixture
def monitor():
    monitors = []

    def monitor(sock, *args):
        monitors.append(Monitor(sock, *args))
        return monitors[-1]

    return monitor


@pytest.fixture
def raw(no_descriptor_is_left):
    """raw(endpoint): a hand-written peer that connects."""
    peers = []

    def raw(endpoint, **options):
        peers.append(RawPeer.connect(endpoint, **options))
        return peers[-1]

    yield raw
    for peer in peers:
        peer.close()


@pytest.fixture
def raw_listener(no_descriptor_is_left):
    """raw_listener(): listens; what its accept() returns is closed at the end, too."""
    opened = []

    class Listener(RawListener):
        def accept(self):
            opened.append(super().accept())
            return opened[-1]

    def raw_listener(*args, **options):
        opened.append(Listener(*args, **options))
        return opened[-1]

    yield raw_listener
    for one in opened:
        one.close()


@pytest.fixture
def program(no_descriptor_is_left):
    """program(source, *args): a Python program in a process of its own."""
    started = []

    def program(*args, **options):
        started.append(Program(*args, **options))
        return started[-1]

    yield program
    for one in started:
        one.close()
