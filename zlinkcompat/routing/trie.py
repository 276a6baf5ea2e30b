"""Subscription tries: which prefixes are subscribed to, how often, and by which pipes.

As in libzmq's radix tree, one node stands for several bytes if no prefix ends or branches within
them. With one node per byte, a single hostile topic of 1 MB would take hundreds of megabytes.

A peer may have hundreds of thousands of topics, and a full run of the garbage collector visits each
object that can be part of a cycle, while the event loop stands still. So the nodes are not such
objects. They refer to dicts and pipes by numbers, and only the trie holds these.

Source: libzmq ``src/radix_tree.cpp``, ``src/generic_mtrie_impl.hpp``; RFC 29.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zlinkcompat.routing.pipe import Pipe


#: The most bytes of one node. This limits how many bytes are copied when a node is split.
EDGE_MAX = 256

#: How many topics of a pipe are removed at a time, so that a leaving peer with many topics does not
#: keep the other peers waiting.
FORGET_BURST = 1024


class Node:
    """A place where prefixes end or branch. ``edge`` is what it adds to its parent's prefix.

    Each number is -1 if the node has nothing of the kind."""

    def __init__(self, edge: bytes) -> None:
        self.edge = edge
        # The number of its children in ``Trie.branches``.
        self.branch = -1
        self.count = 0
        # The number of the pipe that wants this topic, if only one does.
        self.pipe = -1
        # The number of the pipes in ``Trie.groups``, if several want this topic.
        self.group = -1

    def is_wanted(self) -> Any:
        return self.pipe >= 0 or self.group >= 0

    def empty(self) -> bool:
        return self.branch < 0 and self.count == 0 and not self.is_wanted()


class Slots:
    """A list in which free places are used again."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.free: list[Any] = []

    def add(self, item: Any) -> Any:
        """Store an item; return its number."""
        if self.free:
            number = self.free.pop()
            self.items[number] = item
            return number
        self.items.append(item)
        return len(self.items) - 1

    def remove(self, number: Any) -> None:
        """Free the place of an item."""
        self.items[number] = None
        self.free.append(number)


class Trie:
    """Prefixes with counts (for a subscriber), or with the pipes that want them (for a publisher).

    Topics are bytes. Every message begins with the topic ``b""``.
    """

    def __init__(self) -> None:
        self.root = Node(b"")
        # The number of topics that are subscribed to.
        self.size = 0
        # The topics of each pipe, so that removing a pipe costs only its own topics.
        self.topics_of: dict[Any, Any] = {}
        # Dicts of nodes by the first byte of their edge.
        self.branches = Slots()
        # The number of each pipe that wants a topic, and by number a list of that pipe alone.
        self.numbers: dict[Any, Any] = {}
        self.alone = Slots()
        # The numbers of the pipes that want the same topic. After a match, ``lists`` has these
        # pipes by the same number. It is replaced and never modified, because callers keep it.
        self.groups = Slots()
        self.lists: dict[Any, Any] = {}

    def children_of(self, node: Any) -> Any:
        """Return the dict of a node's children, or None."""
        return self.branches.items[node.branch] if node.branch >= 0 else None

    def descend(self, topic: Any) -> Node:
        """Return the node of ``topic``, and create it if needed."""
        node = self.root
        at = 0
        while at < len(topic):
            if node.branch < 0:
                node.branch = self.branches.add({})
            children = self.children_of(node)
            child = children.get(topic[at])
            if child is None:
                child = Node(topic[at : at + EDGE_MAX])
                children[topic[at]] = child
            elif not topic.startswith(child.edge, at):
                child = self.part(children, child, topic, at)
            node = child
            at += len(child.edge)
        return node

    def find(self, topic: Any) -> Node | None:
        """Return the node of ``topic``, or None."""
        node = self.root
        at = 0
        while at < len(topic):
            if node.branch < 0:
                return None
            node = self.children_of(node).get(topic[at])
            if node is None or not topic.startswith(node.edge, at):
                return None
            at += len(node.edge)
        return node

    def prune(self, topic: Any) -> None:
        """Remove the nodes on the path to ``topic`` that have become empty."""
        path = [self.root]
        at = 0
        while at < len(topic):
            node = path[-1]
            child = self.children_of(node).get(topic[at]) if node.branch >= 0 else None
            if child is None:
                break
            path.append(child)
            at += len(child.edge)
        while len(path) > 1:
            node = path.pop()
            parent = path[-1]
            if not node.empty():
                self.join(parent, node)
                return
            children = self.children_of(parent)
            del children[node.edge[0]]
            if not children:
                self.branches.remove(parent.branch)
                parent.branch = -1

    # -- counts ----------------------------------------------------------------------------

    def add(self, topic: Any) -> bool:
        """Count a subscription; return True if it is the first to ``topic``."""
        node = self.descend(topic)
        node.count += 1
        if node.count > 1:
            return False
        self.size += 1
        return True

    def remove(self, topic: Any) -> bool:
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

    def matches(self, data: bytes) -> bool:
        """Tell whether ``data`` begins with a subscribed topic."""
        node = self.root
        at = 0
        while not node.count:
            if node.branch < 0 or at == len(data):
                return False
            node = self.children_of(node).get(data[at])
            # The lookup has already matched the first byte.
            if node is None or (len(node.edge) > 1 and not data.startswith(node.edge, at)):
                return False
            at += len(node.edge)
        return True

    # -- pipes -----------------------------------------------------------------------------

    def add_pipe(self, topic: Any, pipe: Pipe) -> bool:
        """Record that ``pipe`` wants ``topic``. Return True if it is the first pipe to want it."""
        topics = self.topics_of.get(pipe)
        if topics is None:
            topics = self.topics_of[pipe] = set()
            number = self.numbers[pipe] = self.alone.add([pipe])
        else:
            number = self.numbers[pipe]
        topics.add(topic)
        node = self.descend(topic)
        if not node.is_wanted():
            node.pipe = number
            self.size += 1
            return True
        if node.group >= 0:
            self.groups.items[node.group][number] = None
            self.lists.pop(node.group, None)
        elif node.pipe != number:
            # An ordered dict: publishers serve subscribers in the order of subscription.
            node.group = self.groups.add({node.pipe: None, number: None})
            node.pipe = -1
        return False

    def free_number(self, pipe: Pipe) -> None:
        """Free the number of a pipe that wants nothing any more."""
        self.alone.remove(self.numbers.pop(pipe))

    def remove_pipe(self, topic: Any, pipe: Pipe) -> bool:
        """Undo :meth:`add_pipe`; return True if no pipe wants ``topic`` any more."""
        node = self.find(topic)
        topics = self.topics_of.get(pipe)
        if topics is None or topic not in topics:
            return True
        gone = self.take_pipe(node, topic, self.numbers[pipe])
        topics.discard(topic)
        if not topics:
            del self.topics_of[pipe]
            self.free_number(pipe)
        return gone

    def take_pipe(self, node: Node, topic: Any, number: Any) -> bool:
        """Remove a pipe from the node of ``topic``; return True if no pipe is left there."""
        if node.group >= 0:
            group = self.groups.items[node.group]
            del group[number]
            self.lists.pop(node.group, None)
            if len(group) == 1:
                for number in group:
                    node.pipe = number
                self.groups.remove(node.group)
                node.group = -1
            return False
        node.pipe = -1
        self.size -= 1
        self.prune(topic)
        return True

    def forget_pipe(self, pipe: Pipe) -> list[tuple[bytes, bool]]:
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
        number = self.numbers[pipe]
        if len(topics) <= FORGET_BURST:
            gone = sorted(topics)
            del self.topics_of[pipe]
        else:
            # Sorting very many topics at once would block the thread for too long.
            gone = sorted([topics.pop() for _ in range(FORGET_BURST)])
        left = [(topic, not self.take_pipe(self.find(topic), topic, number)) for topic in gone]
        if pipe not in self.topics_of:
            self.free_number(pipe)
        return left

    def holds(self, topic: Any, pipe: Pipe | None = None) -> bool:
        """Tell whether ``pipe`` wants ``topic``; without ``pipe``, whether any pipe does."""
        if pipe is not None:
            return topic in self.topics_of.get(pipe, ())
        node = self.find(topic)
        return node is not None and node.is_wanted()

    def count_of(self, pipe: Pipe) -> int:
        """Return the number of topics that ``pipe`` wants."""
        return len(self.topics_of.get(pipe, ()))

    def match_pipes(self, data: bytes) -> list[Pipe] | None:
        """List the pipes that want a message beginning with ``data``, each once; None if none do.

        The caller must not change the list. If only one prefix matches, each call returns the same
        list object. If several match, the cost grows with the number of their pipes."""
        node = self.root
        if node.pipe >= 0 and node.branch < 0:
            # The usual case: there is one subscription, and it is to everything.
            return self.alone.items[node.pipe]
        first = None
        found = None
        at = 0
        while True:
            if node.pipe >= 0 or node.group >= 0:
                if first is None:
                    first = node
                else:
                    if found is None:
                        found = self.note_pipes({}, first)
                    self.note_pipes(found, node)
            if node.branch < 0 or at == len(data):
                break
            node = self.children_of(node).get(data[at])
            if node is None or (len(node.edge) > 1 and not data.startswith(node.edge, at)):
                break
            at += len(node.edge)
        if found is not None:
            return self.pipes_of(found)
        if first is None:
            return None
        if first.pipe >= 0:
            return self.alone.items[first.pipe]
        pipes = self.lists.get(first.group)
        if pipes is None:
            pipes = self.lists[first.group] = self.pipes_of(self.groups.items[first.group])
        return pipes

    def pipes_of(self, numbers: Any) -> Any:
        """List the pipes that have these numbers."""
        return [self.alone.items[number][0] for number in numbers]

    def note_pipes(self, numbers: Any, node: Any) -> Any:
        """Add the numbers of a node's pipes to a dict, and return the dict."""
        if node.group >= 0:
            numbers.update(self.groups.items[node.group])
        else:
            numbers[node.pipe] = None
        return numbers

    # -- all -------------------------------------------------------------------------------

    def nodes(self) -> list[tuple[bytes, Node]]:
        """List (topic, node) of all nodes with content, ordered by topic as in libzmq."""
        found = []
        path: list[bytes] = []
        stack = [(0, self.root)]
        while stack:
            depth, node = stack.pop()
            del path[depth:]
            path.append(node.edge)
            if node.count or node.is_wanted():
                found.append((b"".join(path), node))
            if node.branch >= 0:
                children = self.children_of(node)
                for first in sorted(children, reverse=True):
                    stack.append((depth + 1, children[first]))
        return found

    def topics(self) -> list[Any]:
        """List all subscribed topics."""
        return [topic for topic, node in self.nodes()]

    # -- edges -----------------------------------------------------------------------------

    def part(self, siblings: Any, child: Any, topic: Any, at: Any) -> Any:
        """Split ``child`` where its edge differs from ``topic[at:]``. Return the upper part."""
        edge = child.edge
        common = 1
        while common < len(topic) - at and edge[common] == topic[at + common]:
            common += 1
        upper = Node(edge[:common])
        child.edge = edge[common:]
        upper.branch = self.branches.add({edge[common]: child})
        siblings[edge[0]] = upper
        return upper

    def join(self, parent: Any, node: Any) -> None:
        """Join ``node`` with its only child, if no prefix ends at ``node`` any more."""
        if node.count or node.is_wanted():
            return
        children = self.children_of(node)
        if len(children) != 1:
            return
        for child in children.values():
            if len(node.edge) + len(child.edge) <= EDGE_MAX:
                child.edge = node.edge + child.edge
                self.children_of(parent)[child.edge[0]] = child
                self.branches.remove(node.branch)
