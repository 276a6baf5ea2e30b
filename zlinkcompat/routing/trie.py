"""Subscription tries: which prefixes are subscribed to, how often, and by whom.

A node stands for several bytes where nobody's prefixes part, as in libzmq's radix tree: a node for
each byte took 300 bytes of memory, and so 300 MB for one hostile topic of 1 MB.

Source: libzmq ``src/radix_tree.cpp``, ``src/generic_mtrie_impl.hpp``; RFC 29.
"""

#: Bytes of one node: what has to be copied when it is parted, whatever a peer subscribes to.
EDGE_MAX = 256

#: Topics of a pipe that are forgotten at a time, so that a peer with many does not stop others when
#: it leaves.
FORGET_BURST = 1024


class Node:
    """Where prefixes end or part: ``edge`` are its bytes behind those of the node above."""

    def __init__(self, edge):
        self.edge = edge
        self.children = None
        self.count = 0
        self.pipes = None
        # The keys of ``pipes``, once a message matched; never changed, but made anew.
        self.listed = None

    def empty(self):
        return not self.children and self.count == 0 and not self.pipes


class Trie:
    """Prefixes with counts (a subscriber's own), or with the pipes that want them (a publisher's).

    Topics are bytes; ``b""`` is the prefix of everything.
    """

    def __init__(self):
        self.root = Node(b"")
        # How many topics are subscribed to.
        self.size = 0
        # The topics of each pipe, so that to forget one costs what it has, not what all have.
        self.topics_of = {}

    def descend(self, topic):
        """The node of ``topic``, made if need be."""
        node = self.root
        at = 0
        while at < len(topic):
            if node.children is None:
                node.children = {}
            child = node.children.get(topic[at])
            if child is None:
                child = Node(topic[at : at + EDGE_MAX])
                node.children[topic[at]] = child
            elif not topic.startswith(child.edge, at):
                child = part(node, child, topic, at)
            node = child
            at += len(child.edge)
        return node

    def find(self, topic):
        """The node of ``topic``, or None."""
        node = self.root
        at = 0
        while at < len(topic):
            if node.children is None:
                return None
            node = node.children.get(topic[at])
            if node is None or not topic.startswith(node.edge, at):
                return None
            at += len(node.edge)
        return node

    def prune(self, topic):
        """Free the nodes on the way to ``topic`` that hold nothing any more."""
        path = [self.root]
        at = 0
        while at < len(topic):
            node = path[-1]
            child = node.children.get(topic[at]) if node.children else None
            if child is None:
                break
            path.append(child)
            at += len(child.edge)
        while len(path) > 1:
            node = path.pop()
            parent = path[-1]
            if not node.empty():
                join(parent, node)
                return
            del parent.children[node.edge[0]]

    # -- counts ----------------------------------------------------------------------------

    def add(self, topic):
        """Count one more subscription; True if it is the first to ``topic``."""
        node = self.descend(topic)
        node.count += 1
        if node.count > 1:
            return False
        self.size += 1
        return True

    def remove(self, topic):
        """Count one less; True if it was the last, False if others are left or there was none."""
        node = self.find(topic)
        if node is None or node.count == 0:
            return False
        node.count -= 1
        if node.count:
            return False
        self.size -= 1
        self.prune(topic)
        return True

    def matches(self, data):
        """Tell whether a counted prefix of ``data`` exists."""
        node = self.root
        at = 0
        while not node.count:
            if node.children is None or at == len(data):
                return False
            node = node.children.get(data[at])
            # Its first byte is what it was found by.
            if node is None or len(node.edge) > 1 and not data.startswith(node.edge, at):
                return False
            at += len(node.edge)
        return True

    # -- pipes -----------------------------------------------------------------------------

    def add_pipe(self, topic, pipe):
        """Note that ``pipe`` wants ``topic``; True if it is the first that does."""
        node = self.descend(topic)
        if node.pipes is None:
            node.pipes = {}
        first = not node.pipes
        # A dict, for its order: publishers serve subscribers in the order of subscription.
        node.pipes[pipe] = None
        node.listed = None
        self.size += first
        topics = self.topics_of.get(pipe)
        if topics is None:
            topics = self.topics_of[pipe] = set()
        topics.add(topic)
        return first

    def remove_pipe(self, topic, pipe):
        """Undo :meth:`add_pipe`; True if no pipe is left that wants ``topic``."""
        node = self.find(topic)
        if node is None or not node.pipes or pipe not in node.pipes:
            return True
        topics = self.topics_of[pipe]
        topics.discard(topic)
        if not topics:
            del self.topics_of[pipe]
        return self.take_pipe(node, topic, pipe)

    def take_pipe(self, node, topic, pipe):
        """Remove ``pipe`` from the node of ``topic``; True if no pipe is left there."""
        del node.pipes[pipe]
        node.listed = None
        if node.pipes:
            return False
        self.size -= 1
        self.prune(topic)
        return True

    def forget_pipe(self, pipe):
        """Remove ``pipe`` from up to :data:`FORGET_BURST` of its topics.

        The cost is that of the pipe's own topics. Call again while :meth:`count_of` is not 0.

        Returns
        -------
        list of tuple
            (topic, whether other pipes still want it), in the order of the topics, as in libzmq.
        """
        topics = self.topics_of.get(pipe)
        if topics is None:
            return []
        if len(topics) <= FORGET_BURST:
            gone = sorted(topics)
            del self.topics_of[pipe]
        else:
            # Sorting all of 200,000 topics alone takes over 100 ms.
            gone = sorted([topics.pop() for _ in range(FORGET_BURST)])
        return [(topic, not self.take_pipe(self.find(topic), topic, pipe)) for topic in gone]

    def holds(self, topic, pipe=None):
        """Tell whether ``pipe``, or any pipe, wants ``topic``."""
        node = self.find(topic)
        if node is None or not node.pipes:
            return False
        return pipe is None or pipe in node.pipes

    def count_of(self, pipe):
        """How many topics ``pipe`` wants."""
        return len(self.topics_of.get(pipe, ()))

    def match_pipes(self, data):
        """The pipes that want a message which begins with ``data``, none twice; None if none.

        The caller must not change the list. Where one prefix matches, every message that it
        matches gets the same list. Where several match, the cost is that of their pipes."""
        node = self.root
        first = None
        found = None
        at = 0
        while True:
            if node.pipes:
                if first is None:
                    first = node
                else:
                    if found is None:
                        found = dict(first.pipes)
                    found.update(node.pipes)
            if node.children is None or at == len(data):
                break
            node = node.children.get(data[at])
            if node is None or len(node.edge) > 1 and not data.startswith(node.edge, at):
                break
            at += len(node.edge)
        if found is not None:
            return list(found)
        if first is None:
            return None
        if first.listed is None:
            first.listed = list(first.pipes)
        return first.listed

    # -- all -------------------------------------------------------------------------------

    def nodes(self):
        """List (topic, node) of all that hold something, in the order of topics, as libzmq."""
        found = []
        path = []
        stack = [(0, self.root)]
        while stack:
            depth, node = stack.pop()
            del path[depth:]
            path.append(node.edge)
            if node.count or node.pipes:
                found.append((b"".join(path), node))
            if node.children:
                for first in sorted(node.children, reverse=True):
                    stack.append((depth + 1, node.children[first]))
        return found

    def topics(self):
        """List the topics that are subscribed to."""
        return [topic for topic, node in self.nodes()]


def part(parent, child, topic, at):
    """Part ``child`` where ``topic``, from ``at`` on, leaves it; the upper part."""
    edge = child.edge
    common = 1
    while common < len(topic) - at and edge[common] == topic[at + common]:
        common += 1
    upper = Node(edge[:common])
    child.edge = edge[common:]
    upper.children = {edge[common]: child}
    parent.children[edge[0]] = upper
    return upper


def join(parent, node):
    """Undo :func:`part` where nothing ends or parts any more."""
    if node.count or node.pipes or len(node.children) != 1:
        return
    for child in node.children.values():
        if len(node.edge) + len(child.edge) <= EDGE_MAX:
            child.edge = node.edge + child.edge
            parent.children[child.edge[0]] = child
