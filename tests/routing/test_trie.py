"""Tries of subscriptions give the same results as a plain list."""

import gc
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zlinkcompat._runtime.compiled import COMPILED
from zlinkcompat.routing.trie import FORGET_BURST, Trie

#: Topics have few different letters, so that they share prefixes. Some are longer than a node.
TOPICS = st.one_of(
    st.binary(max_size=4).map(lambda data: bytes(byte & 1 for byte in data)),
    st.tuples(st.integers(0, 600), st.binary(max_size=2)).map(lambda it: bytes(it[0]) + it[1]),
)


@given(st.lists(st.tuples(st.booleans(), TOPICS)), st.lists(TOPICS))
def test_counts_match_a_plain_list(steps, messages):
    tree, counts = Trie(), {}
    for adds, topic in steps:
        if adds:
            counts[topic] = counts.get(topic, 0) + 1
            assert tree.add(topic) == (counts[topic] == 1)
        else:
            assert tree.remove(topic) == (counts.get(topic) == 1)
            if topic in counts:
                counts[topic] -= 1
                if not counts[topic]:
                    del counts[topic]
    assert tree.topics() == sorted(counts)
    for data in [*messages, *(topic + b"x" for _, topic in steps)]:
        assert tree.matches(data) == any(data.startswith(topic) for topic in counts)
    for topic, count in list(counts.items()):
        for _ in range(count):
            tree.remove(topic)
    assert tree.topics() == [] and not tree.matches(b"")


@given(
    st.lists(st.tuples(st.sampled_from(["add", "remove", "forget"]), TOPICS, st.integers(0, 2))),
    st.lists(TOPICS),
)
def test_matching_pipes_equal_a_plain_list(steps, messages):
    tree, wanted = Trie(), {}
    for what, topic, pipe in steps:
        if what == "add":
            assert tree.add_pipe(topic, pipe) == (not wanted.get(topic))
            wanted.setdefault(topic, set()).add(pipe)
        elif what == "remove":
            others = wanted.get(topic, set()) - {pipe}
            had = pipe in wanted.get(topic, ())
            assert tree.remove_pipe(topic, pipe) == (not had or not others)
            wanted.get(topic, set()).discard(pipe)
        else:
            expected = [
                (topic, bool(pipes - {pipe})) for topic, pipes in wanted.items() if pipe in pipes
            ]
            found = tree.forget_pipe(pipe)
            assert found == sorted(found) and sorted(found) == sorted(expected)
            for pipes in wanted.values():
                pipes.discard(pipe)
        # The list of an earlier match must not add entries to this one.
        expected = [pipes for prefix, pipes in wanted.items() if topic.startswith(prefix)]
        assert set(tree.match_pipes(topic) or ()) == set().union(*expected)
    held = {topic: pipes for topic, pipes in wanted.items() if pipes}
    assert tree.size == len(held)
    for pipe in range(3):
        assert tree.count_of(pipe) == sum(pipe in pipes for pipes in held.values())
        for topic in wanted:
            assert tree.holds(topic, pipe) == (pipe in held.get(topic, ()))
            assert tree.holds(topic) == (topic in held)
    assert sorted(tree.topics()) == sorted(held)
    for data in [*messages, *(topic + b"x" for _, topic, _ in steps)]:
        expected = {
            pipe for topic, pipes in held.items() if data.startswith(topic) for pipe in pipes
        }
        assert set(tree.match_pipes(data) or ()) == expected


def test_huge_topic_takes_memory_of_its_size():
    tree = Trie()
    topic = bytes(8 << 20)
    for other in (topic, topic[:-1] + b"x", topic[: 1 << 20]):
        tree.add_pipe(other, "peer")
    assert sorted(tree.topics()) == sorted([topic, topic[:-1] + b"x", topic[: 1 << 20]])
    assert tree.match_pipes(topic) == ["peer"]
    assert len(tree.forget_pipe("peer")) == 3 and tree.topics() == []


def test_prefixes_splitting_and_joining_in_a_long_topic():
    tree = Trie()
    long = bytes(range(256)) * 3
    tree.add(long)
    for end in (1, 255, 256, 257, 700):
        assert tree.add(long[:end]) and tree.matches(long[:end]) and tree.remove(long[:end])
        assert not tree.matches(long[:end])
    assert tree.topics() == [long] and tree.matches(long)


def seconds(call, *args):
    """Return the CPU time of a call."""
    began = time.process_time()
    call(*args)
    return time.process_time() - began


def test_removing_a_pipe_costs_its_own_topics():
    tree = Trie()
    for number in range(50_000):
        tree.add_pipe(b"%d" % number, "holder")
    tree.add_pipe(b"a", "stranger")
    tree.add_pipe(b"1", "stranger")
    # Forgetting the pipe must not list all topics, so it has to be much faster than that.
    assert seconds(tree.forget_pipe, "stranger") * 20 < seconds(tree.topics)
    assert tree.match_pipes(b"1") == ["holder"] and tree.match_pipes(b"a") is None
    assert tree.size == 50_000 and tree.count_of("stranger") == 0


def test_pipe_with_many_topics_is_removed_in_bursts():
    tree = Trie()
    topics = {b"%d" % number for number in range(2 * FORGET_BURST + 1)}
    for topic in topics:
        tree.add_pipe(topic, "leaving")
    tree.add_pipe(b"1", "staying")
    gone = []
    for size in FORGET_BURST, FORGET_BURST, 1, 0:
        burst = tree.forget_pipe("leaving")
        assert len(burst) == size and burst == sorted(burst)
        gone += burst
        assert tree.count_of("leaving") == len(topics) - len(gone)
    assert sorted(gone) == sorted((topic, topic == b"1") for topic in topics)
    assert tree.topics() == [b"1"] and tree.size == 1


def test_matching_cost_is_linear_in_the_matches():
    """The cost of a match is linear in the number of results, and not quadratic."""
    costs = []
    for count in 250, 4000:
        tree = Trie()
        for number in range(count):
            tree.add_pipe(bytes(number), number)
        assert tree.match_pipes(bytes(count)) == list(range(count))
        costs.append(min(seconds(tree.match_pipes, bytes(count)) for _ in range(20)))
    # The larger tree has 16 times as many results: a linear cost is 16 times as much, and a
    # quadratic cost 256 times. The larger tree does not fit into the CPU's caches, so a busy
    # machine took up to 7 times the linear cost.
    assert costs[1] < costs[0] * 16 * 12


def test_matched_list_survives_a_leaving_pipe():
    """A list of matches does not change while a publisher iterates over it and a peer leaves."""
    tree = Trie()
    tree.add_pipe(b"a", 1)
    tree.add_pipe(b"a", 2)
    matched = tree.match_pipes(b"ab")
    tree.forget_pipe(1)
    assert matched == [1, 2] and tree.match_pipes(b"ab") == [2]


@pytest.mark.skipif(not COMPILED, reason="the classes of the pure-Python build are all tracked")
def test_topics_cost_the_garbage_collector_nothing():
    """A full collection stops the loop, and visits each object that it tracks."""
    tree, pipe, other = Trie(), object(), object()
    topics = [b"%08x" % (number * 2654435761 & 0xFFFFFFFF) for number in range(2000)]
    gc.collect()
    before = len(gc.get_objects())
    for topic in topics:
        tree.add_pipe(topic, pipe)
    for topic in topics[::10]:
        tree.add_pipe(topic, other)
    # From CPython 3.14 on every dict is tracked: those of branches, and of topics of several.
    limit = 20 if sys.version_info < (3, 14) else 2000
    assert len(gc.get_objects()) - before < limit
    assert tree.size == len(topics)
