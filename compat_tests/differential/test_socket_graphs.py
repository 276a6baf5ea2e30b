"""Drive random graphs of sockets step by step on both libraries.

Both libraries must receive the same messages and refuse the same calls.

The transport is inproc. A step is complete once every socket has processed the commands of the
other sockets. We leave out cases in which the libraries are known to differ:

- EVENTS: libzmq's REP reports POLLIN for a request that it then drops as malformed.
- PAIR: on libzmq a second peer that was refused can be disconnected. Our sockets do not know it.
- A publisher that disconnects from a subscriber, and a peer that reconnects to a ROUTER: on libzmq
  the old pipe ends only when the binding socket has read all of it.
- A socket that disconnects with unread messages: libzmq drops these messages over inproc, but not
  over tcp. On our sockets they stay receivable over every transport. So each socket first reads
  its messages.
"""

import tempfile

import pytest
import zmq
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from compat_tests.differential.outcome import outcome
from compat_tests.differential.sockets import Bench
from compat_tests.libraries import OURS, REFERENCE, load

#: Maps the name of a graph to the types that bind and the types that connect to them.
GRAPHS = {
    "pipeline": (("PULL",), ("PUSH",)),
    "fan-out": (("PUSH",), ("PULL",)),
    "publish": (("PUB", "XPUB"), ("SUB", "XSUB")),
    "forward": (("XSUB", "SUB"), ("PUB", "XPUB")),
    "requests": (("ROUTER", "REP", "DEALER"), ("DEALER", "REQ")),
    "dealers": (("DEALER", "ROUTER"), ("REP", "DEALER", "ROUTER")),
}
MOST = 6  # number of sockets
TOPICS = (b"", b"a", b"ab", b"b")

which = st.integers(0, MOST - 1)
parts = st.lists(st.sampled_from([b"", b"a", b"abc", b"b" * 300]), min_size=1, max_size=3)


class Graph(RuleBasedStateMachine):
    """Runs each step on both libraries and compares the results."""

    @initialize(graph=st.sampled_from(sorted(GRAPHS)))
    def begin(self, graph):
        self.binders, self.connecters = GRAPHS[graph]
        self.folder = tempfile.TemporaryDirectory(prefix="zlc-")
        self.benches = [Bench(load(name), self.folder.name) for name in (REFERENCE, OURS)]
        # Entries: (the socket of each library, name of the type, endpoint it is bound to, endpoints
        # it is connected to).
        self.sockets = []
        self.left = set()  # disconnects, as (socket of libzmq, endpoint)
        self.count = 0

    def both(self, step):
        """Return the outcome of ``step(bench, index)``, which must be equal on both libraries."""
        reference, ours = (outcome(step, bench, n) for n, bench in enumerate(self.benches))
        assert ours == reference
        self.settle()
        return reference

    def settle(self):
        """Let all sockets process the commands of other sockets.

        A libzmq socket processes commands only in its calls. The call that we make here always
        does so. Repeat it, since the two ends of a closing pipe exchange three commands.
        """
        for _ in range(3):
            for sockets, *_ in self.sockets:
                for sock in sockets:
                    with pytest.raises(zmq.ZMQError):
                        sock.disconnect("inproc://nobody")

    def add(self, kind, bind=None, connect=None):
        self.count += 1
        name = b"peer%d" % self.count
        made = []

        def step(bench, n):
            sock = bench.socket(kind, rcvtimeo=0, sndtimeo=0)
            made.append(sock)
            if kind not in ("PUB", "SUB", "XPUB", "XSUB", "PUSH", "PULL"):
                sock.routing_id = name
            if bind:
                sock.bind(bind)
            if connect:
                sock.connect(connect)

        self.both(step)
        self.sockets.append([made, kind, bind, {connect} - {None}])

    def chosen(self, number):
        return self.sockets[number % len(self.sockets)]

    @precondition(lambda self: len(self.sockets) < MOST)
    @rule(number=which)
    def bind(self, number):
        self.add(self.binders[number % len(self.binders)], bind=f"inproc://{self.count}")

    @precondition(lambda self: 0 < len(self.sockets) < MOST)
    @rule(number=which, to=which)
    def connect(self, number, to):
        bound = [each[2] for each in self.sockets if each[2]]
        if bound:
            self.add(self.connecters[number % len(self.connecters)], connect=bound[to % len(bound)])

    @precondition(lambda self: self.sockets)
    @rule(number=which, to=which)
    def connect_again(self, number, to):
        """Connect a socket that already has peers to one more peer."""
        sockets, kind, bind, connected = self.chosen(number)
        new = [
            each[2]
            for each in self.sockets
            if each[2] and each[2] not in connected and (sockets[0], each[2]) not in self.left
        ]
        if kind in self.connecters and not bind and new:
            endpoint = new[to % len(new)]
            self.both(lambda bench, n: sockets[n].connect(endpoint) and None)
            connected.add(endpoint)

    @precondition(lambda self: self.sockets)
    @rule(number=which, topic=st.sampled_from(TOPICS), on=st.booleans())
    def subscribe(self, number, topic, on):
        sockets, kind, _, _ = self.chosen(number)
        if kind == "SUB":
            option = "SUBSCRIBE" if on else "UNSUBSCRIBE"
            self.both(lambda bench, n: sockets[n].setsockopt(getattr(bench.zmq, option), topic))
        elif kind == "XSUB":
            self.both(lambda bench, n: sockets[n].send(bytes([on]) + topic))

    @precondition(lambda self: self.sockets)
    @rule(number=which, message=parts, to=which)
    def send(self, number, message, to):
        sockets, kind, _, _ = self.chosen(number)
        if kind == "XSUB":
            return  # what an XSUB sends is a subscription
        if kind == "ROUTER":
            message = [b"peer%d" % (to + 1), *message]
        self.both(lambda bench, n: sockets[n].send_multipart(message))

    @precondition(lambda self: self.sockets)
    @rule(number=which)
    def receive(self, number):
        sockets = self.chosen(number)[0]
        self.both(lambda bench, n: sockets[n].recv_multipart())

    @rule()
    def receive_all(self):
        for sockets, kind, _, _ in self.sockets:
            self.receive_from(sockets, kind)

    def receive_from(self, sockets, kind):
        if kind not in ("PUSH", "PUB"):
            while self.both(lambda bench, n: sockets[n].recv_multipart())[0] == "returned":
                pass

    def drain(self, sockets, kind):
        """Read everything that a socket has received; a REP answers each request that it reads."""
        self.receive_from(sockets, kind)
        if kind == "REP":
            while self.both(lambda bench, n: sockets[n].send(b""))[0] == "returned":
                self.receive_from(sockets, kind)

    @precondition(lambda self: self.sockets and self.binders != GRAPHS["forward"][0])
    @rule(number=which, to=which)
    def disconnect(self, number, to):
        """Disconnect a peer.

        Do not close it: after close(), libzmq's reaper notifies the other sockets at a later time.
        """
        sockets, kind, _, connected = self.chosen(number)
        if connected:
            self.drain(sockets, kind)
            endpoint = sorted(connected)[to % len(connected)]
            self.both(lambda bench, n: sockets[n].disconnect(endpoint))
            connected.remove(endpoint)
            self.left.add((sockets[0], endpoint))

    def teardown(self):
        if hasattr(self, "benches"):
            for bench in self.benches:
                bench.close()
            self.folder.cleanup()


TestGraphs = Graph.TestCase
TestGraphs.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestGraphs.pytestmark = [pytest.mark.timeout(600)]
