"""Subscription tries: which prefixes are subscribed to, how often, and by which pipes.

As in libzmq's radix tree, one node stands for several bytes if no prefix ends or branches within
them. With one node per byte, a single hostile topic of 1 MB would take hundreds of megabytes.

Source: libzmq ``src/radix_tree.cpp``, ``src/generic_mtrie_impl.hpp``; RFC 29.
"""

#: The most bytes of one node. This limits how many bytes are copied when a node is split.
EDGE_MAX = 256

#: How many topics of a pipe are removed at a time, so that a leaving peer with many topics does not
#: keep the other peers waiting.
FORGET_BURST = 1024


class Node:
    """A place where prefixes end or branch. ``edge`` is what it adds to its parent's prefix."""

    def __init__(self, edge):
        self.edge = edge
        self.children = None
        self.count = 0
        self.pipes = None
        # The keys of ``pipes`` as a list, built on the first match. It is replaced, never modified.
        self.listed = None

    def empty(self):
        return not self.children and self.count == 0 and not self.pipes


class Trie:
    """Prefixes with counts (for a subscriber), or with the pipes that want them (for a publisher).

    Topics are bytes. Every message begins with the topic ``b""``.
    """

    def __init__(self):
        self.root = Node(b"")
        # The number of topics that are subscribed to.
        self.size = 0
        # The topics of each pipe, so that removing a pipe costs only its own topics.
        self.topics_of = {}

    def descend(self, topic):
        """Return the node of ``topic``, and create it if needed."""
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
        """Return the node of ``topic``, or None."""
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
        """Remove the nodes on the path to ``topic`` that have become empty."""
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
        """Count a subscription; return True if it is the first to ``topic``."""
        node = self.descend(topic)
        node.count += 1
        if node.count > 1:
            return False
        self.size += 1
        return True

    def remove(self, topic):
        """Undo :meth:`add`. Return True only if this was the last subscription to ``topic``."""
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
        """Tell whether ``data`` begins with a subscribed topic."""
        node = self.root
        at = 0
        while not node.count:
            if node.children is None or at == len(data):
                return False
            node = node.children.get(data[at])
            # The lookup has already matched the first byte.
            if node is None or (len(node.edge) > 1 and not data.startswith(node.edge, at)):
                return False
            at += len(node.edge)
        return True

    # -- pipes -----------------------------------------------------------------------------

    def add_pipe(self, topic, pipe):
        """Record that ``pipe`` wants ``topic``. Return True if it is the first pipe to want it."""
        node = self.descend(topic)
        if node.pipes is None:
            node.pipes = {}
        first = not node.pipes
        # An ordered dict: publishers serve subscribers in the order of subscription.
        node.pipes[pipe] = None
        node.listed = None
        self.size += first
        topics = self.topics_of.get(pipe)
        if topics is None:
            topics = self.topics_of[pipe] = set()
        topics.add(topic)
        return first

    def remove_pipe(self, topic, pipe):
        """Undo :meth:`add_pipe`; return True if no pipe wants ``topic`` any more."""
        node = self.find(topic)
        if node is None or not node.pipes or pipe not in node.pipes:
            return True
        topics = self.topics_of[pipe]
        topics.discard(topic)
        if not topics:
            del self.topics_of[pipe]
        return self.take_pipe(node, topic, pipe)

    def take_pipe(self, node, topic, pipe):
        """Remove ``pipe`` from the node of ``topic``; return True if no pipe is left there."""
        del node.pipes[pipe]
        node.listed = None
        if node.pipes:
            return False
        self.size -= 1
        self.prune(topic)
        return True

    def forget_pipe(self, pipe):
        """Remove ``pipe`` from up to :data:`FORGET_BURST` of its topics.

        The cost depends only on the pipe's own topics. Repeat while :meth:`count_of` is not 0.

        Returns
        -------
        list of tuple
            (topic, whether other pipes still want it), ordered by topic as in libzmq.
        """
        topics = self.topics_of.get(pipe)
        if topics is None:
            return []
        if len(topics) <= FORGET_BURST:
            gone = sorted(topics)
            del self.topics_of[pipe]
        else:
            # Sorting very many topics at once would block the thread for too long.
            gone = sorted([topics.pop() for _ in range(FORGET_BURST)])
        return [(topic, not self.take_pipe(self.find(topic), topic, pipe)) for topic in gone]

    def holds(self, topic, pipe=None):
        """Tell whether ``pipe`` wants ``topic``; without ``pipe``, whether any pipe does."""
        node = self.find(topic)
        if node is None or not node.pipes:
            return False
        return pipe is None or pipe in node.pipes

    def count_of(self, pipe):
        """Return the number of topics that ``pipe`` wants."""
        return len(self.topics_of.get(pipe, ()))

    def match_pipes(self, data):
        """List the pipes that want a message beginning with ``data``, each once; None if none do.

        The caller must not change the list. If only one prefix matches, each call returns the same
        list object. If several match, the cost grows with the number of their pipes."""
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
            if node is None or (len(node.edge) > 1 and not data.startswith(node.edge, at)):
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
        """List (topic, node) of all nodes with content, ordered by topic as in libzmq."""
        found = []
        path: list[bytes] = []
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
        """List all subscribed topics."""
        return [topic for topic, node in self.nodes()]


def part(parent, child, topic, at):
    """Split ``child`` where its edge differs from ``topic[at:]``. Return the upper part."""
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
    """Join ``node`` with its only child, if no prefix ends at ``node`` any more."""
    if node.count or node.pipes or len(node.children) != 1:
        return
    for child in node.children.values():
        if len(node.edge) + len(child.edge) <= EDGE_MAX:
            child.edge = node.edge + child.edge
            parent.children[child.edge[0]] = child
