"""Subscription tries: which prefixes are subscribed to, how often, and by whom.

Source: libzmq ``src/trie.cpp``, ``src/generic_mtrie_impl.hpp``; RFC 29.
"""


class Node:
    """One byte of the prefixes."""

    def __init__(self):
        self.children = None
        self.count = 0
        self.pipes = None

    def empty(self):
        return not self.children and self.count == 0 and not self.pipes


class Trie:
    """Prefixes with counts (a subscriber's own), or with the pipes that want them (a publisher's).

    Topics are bytes; ``b""`` is the prefix of everything.
    """

    def __init__(self):
        self.root = Node()

    def descend(self, topic):
        """The node of ``topic``, made if need be."""
        node = self.root
        for index in range(len(topic)):
            byte = topic[index]
            if node.children is None:
                node.children = {}
            child = node.children.get(byte)
            if child is None:
                child = node.children[byte] = Node()
            node = child
        return node

    def find(self, topic):
        """The node of ``topic``, or None."""
        node = self.root
        for index in range(len(topic)):
            if node.children is None:
                return None
            node = node.children.get(topic[index])
            if node is None:
                return None
        return node

    def prune(self, topic):
        """Free the nodes on the way to ``topic`` that hold nothing any more."""
        path = [self.root]
        for byte in topic:
            node = path[-1]
            child = node.children.get(byte) if node.children else None
            if child is None:
                break
            path.append(child)
        while len(path) > 1:
            node = path.pop()
            if not node.empty():
                return
            parent = path[-1]
            del parent.children[topic[len(path) - 1]]

    # -- counts ----------------------------------------------------------------------------

    def add(self, topic):
        """Count one more subscription; True if it is the first to ``topic``."""
        node = self.descend(topic)
        node.count += 1
        return node.count == 1

    def remove(self, topic):
        """Count one less; True if it was the last, False if others are left or there was none."""
        node = self.find(topic)
        if node is None or node.count == 0:
            return False
        node.count -= 1
        if node.count:
            return False
        self.prune(topic)
        return True

    def matches(self, data):
        """Tell whether a counted prefix of ``data`` exists."""
        node = self.root
        if node.count:
            return True
        for index in range(len(data)):
            if node.children is None:
                return False
            node = node.children.get(data[index])
            if node is None:
                return False
            if node.count:
                return True
        return False

    # -- pipes -----------------------------------------------------------------------------

    def add_pipe(self, topic, pipe):
        """Note that ``pipe`` wants ``topic``; True if it is the first that does."""
        node = self.descend(topic)
        if node.pipes is None:
            node.pipes = {}
        first = not node.pipes
        # A dict, for its order: publishers serve subscribers in the order of subscription.
        node.pipes[pipe] = None
        return first

    def remove_pipe(self, topic, pipe):
        """Undo :meth:`add_pipe`; True if no pipe is left that wants ``topic``."""
        node = self.find(topic)
        if node is None or not node.pipes or pipe not in node.pipes:
            return True
        del node.pipes[pipe]
        if node.pipes:
            return False
        self.prune(topic)
        return True

    def forget_pipe(self, pipe):
        """Remove ``pipe`` everywhere; returns a list of (topic, whether others still want it)."""
        removed = []
        for topic, node in list(self.nodes()):
            if node.pipes and pipe in node.pipes:
                del node.pipes[pipe]
                removed.append((topic, bool(node.pipes)))
        for topic, _ in removed:
            self.prune(topic)
        return removed

    def match_pipes(self, data):
        """The pipes that want a message which begins with ``data``, none twice; None if none."""
        node = self.root
        found = None
        for index in range(len(data) + 1):
            if node.pipes:
                if found is None:
                    found = node.pipes
                else:
                    found = {**found, **node.pipes}
            if node.children is None or index == len(data):
                break
            node = node.children.get(data[index])
            if node is None:
                break
        return None if found is None else list(found)

    # -- all -------------------------------------------------------------------------------

    def nodes(self):
        """List (topic, node) of all that hold something."""
        found = []
        stack = [(b"", self.root)]
        while stack:
            topic, node = stack.pop()
            if node.count or node.pipes:
                found.append((topic, node))
            if node.children:
                for byte, child in node.children.items():
                    stack.append((topic + bytes((byte,)), child))
        return found

    def topics(self):
        """List the topics that are subscribed to."""
        return [topic for topic, node in self.nodes()]
