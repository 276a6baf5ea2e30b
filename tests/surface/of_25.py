"""Tests that must fail with pyzmq 25, which behaves differently from pyzmq 27, with the reasons."""

import re

OTHERWISE = (
    (
        r"::test_recv_into_a_bad_buffer|::test_calls_after_\w+\[recv_into\]"
        r"|::test_non_numeric_flags\[recv_into-(1|None)\]"
        r"|::test_missing_or_excess_arguments\[<lambda>[678]\]",
        "it has no Socket.recv_into",
    ),
    (
        r"::test_frames_of_pyzmq|::test_repr_equals_pyzmqs_except_for_the_name",
        "the repr of a Frame does not show its content",
    ),
    (
        r"test_signatures.py::.*\[devices?(\.basedevice|\.monitoredqueue)?\]",
        "device() requires a second socket",
    ),
    (
        r"::test_every_submodule_exists_with_its_names\[devices.monitoredqueue\]",
        "its compiled module also exposes the names that it imports",
    ),
    (r"::test_calls_after_\w+\[bad bind\]", "bind() checks the address before the socket"),
    (r"::test_error_texts_equal_pyzmqs", "its error texts differ"),
)


def why(test):
    """Return the reason why ``test`` (its id) must fail with pyzmq 25, or None."""
    return next((reason for names, reason in OTHERWISE if re.search(names, test)), None)
