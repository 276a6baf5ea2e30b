"""Tests that fail with pyzmq 25, whose behaviour differs from that of 27, and why."""

import re

OTHERWISE = (
    (
        r"::test_recv_into_a_bad_buffer|::test_calls_after_\w+\[recv_into\]"
        r"|::test_non_numeric_flags\[recv_into-(1|None)\]"
        r"|::test_missing_or_excess_arguments\[<lambda>[678]\]",
        "Socket.recv_into is not there",
    ),
    (
        r"::test_frames_of_pyzmq|::test_repr_equals_pyzmqs_except_for_the_name",
        "a Frame does not show its content",
    ),
    (
        r"test_signatures.py::.*\[devices?(\.basedevice|\.monitoredqueue)?\]",
        "device() insists on its second socket",
    ),
    (
        r"::test_every_submodule_exists_with_its_names\[devices.monitoredqueue\]",
        "a compiled module with all that it imports",
    ),
    (r"::test_calls_after_\w+\[bad bind\]", "the address is looked at first"),
    (r"::test_error_texts_equal_pyzmqs", "other words"),
)


def why(test):
    """Return the reason why ``test`` (its id) must fail with pyzmq 25, or None."""
    return next((reason for names, reason in OTHERWISE if re.search(names, test)), None)
