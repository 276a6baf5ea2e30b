"""A queue computes the age of its oldest message from the few times at which it was marked."""

import random

import pytest

from zlinkcompat.routing.pipe import pipe_pair

MS = 1_000_000  # ns
SECOND = 1000 * MS


@pytest.fixture
def ends():
    """Return the two ends of a pipe; the tests write to the first and read from the second."""
    return pipe_pair(0, 0)


def test_age_counts_from_the_first_mark_after_a_message(ends):
    writer, reader = ends
    queue = reader.inq
    assert queue.oldest_waiting(5) == 0
    writer.write(b"first")
    assert queue.oldest_waiting(5) == 0
    queue.mark(10)
    assert queue.oldest_waiting(15) == 5
    writer.write(b"second")
    queue.mark(10 + SECOND)
    assert queue.oldest_waiting(15 + SECOND) == 5 + SECOND
    reader.read()
    assert queue.oldest_waiting(15 + SECOND) == 5
    reader.read()
    assert queue.oldest_waiting(15 + SECOND) == 0


def test_mark_of_an_empty_queue_says_nothing_of_later_messages(ends):
    writer, reader = ends
    reader.inq.mark(10)
    writer.write(b"later")
    assert reader.inq.oldest_waiting(20) == 0


def test_old_ages_are_wrong_by_an_eighth_at_most(ends):
    """Old marks are thinned, and so an age is wrong by an eighth of it at most.

    A simulated hour has a message every 50 ms, a mark every 250 ms, and a slow reader.
    """
    writer, reader = ends
    queue = reader.inq
    chance = random.Random(27)
    sent_at = []
    read = 0
    now = SECOND
    for tick in range(20 * 3600):
        now += 50 * MS
        writer.write(b"x")
        sent_at.append(now)
        if tick % 5 == 0:
            queue.mark(now)
        if chance.random() < 0.6:
            reader.read()
            read += 1
        if tick % 97 == 0 and read < len(sent_at):
            told, true = queue.oldest_waiting(now), now - sent_at[read]
            error = true - told
            assert 0 <= error <= max(250 * MS, told // 8), (tick, told, true)
    assert now - sent_at[read] > 20 * 60 * SECOND


def test_message_that_takes_the_place_of_another_is_younger(ends):
    writer, reader = ends
    writer.set_conflate(False, True)
    writer.write(b"old")
    reader.inq.mark(10)
    assert reader.inq.oldest_waiting(15) == 5
    writer.write(b"new")
    assert reader.inq.oldest_waiting(15) == 0
    reader.inq.mark(20)
    assert reader.inq.oldest_waiting(25) == 5
