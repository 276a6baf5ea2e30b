"""What pyzmq 25 does otherwise than 27, whose ways are ours: which tests, and why."""

import re

OTHERWISE = (
    (
        r"::test_recv_into_a_bad_buffer|::test_use_after_\w+\[recv_into\]"
        r"|::test_flags_that_are_no_number\[recv_into-(1|None)\]"
        r"|::test_arguments_that_are_missing_or_too_many\[<lambda>[678]\]",
        "Socket.recv_into is not there",
    ),
    (
        r"::test_frames_of_pyzmq|::test_repr_is_pyzmqs_but_for_the_name",
        "a Frame does not show its content",
    ),
    (
        r"test_signatures.py::.*\[devices?(\.basedevice|\.monitoredqueue)?\]",
        "device() insists on its second socket",
    ),
    (
        r"::test_every_submodule_is_there_with_its_names\[devices.monitoredqueue\]",
        "a compiled module with all that it imports",
    ),
    (r"::test_use_after_\w+\[bad bind\]", "the address is looked at first"),
    (r"::test_texts_of_errors_are_pyzmqs", "other words"),
)


def why(test):
    """The reason why ``test`` (its id) must fail there, or None."""
    return next((reason for names, reason in OTHERWISE if re.search(names, test)), None)
