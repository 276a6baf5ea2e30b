"""Tests of pyzmq's suite that do not pass on zlinkcompat, by name, with the reason.

Strict both ways: a test that is missing here must pass, a test that is listed here must not.
"""

#: Files that are not run at all, and why.
LEFT_OUT = {
    "test_cython.py": "builds Cython against libzmq's headers",
    "test_cffi_backend.py": "of pyzmq's CFFI backend, which wheels for CPython do not have",
}

#: ... and of pyzmq 25.
LEFT_OUT_OF_25 = {
    "test_mypy.py": "checks for Python 3.7, whose syntax numpy and tornado have long gone beyond",
}

#: These skip themselves on real libzmq as well: drafts, other wheels, other systems, removed
#: features, plain sockets only.
NOT_ON_LIBZMQ = {
    "tests/test_asyncio.py::test_draft_asyncio",
    "tests/test_context.py::TestContext::test_shadow_pyczmq",
    "tests/test_draft.py::TestDraftSockets::test_client_server",
    "tests/test_draft.py::TestDraftSockets::test_client_server_frame",
    "tests/test_draft.py::TestDraftSockets::test_radio_dish",
    "tests/test_draft.py::test_draft_fd",
    "tests/test_etc.py::test_has_curve",
    "tests/test_etc.py::test_has_ipc",
    "tests/test_proxy_steerable.py::TestProxySteerable::test_proxy_steerable",
    "tests/test_proxy_steerable.py::TestProxySteerable::test_proxy_steerable_bind_to_random_with_args",
    "tests/test_proxy_steerable.py::TestProxySteerable::test_proxy_steerable_statistics",
    "tests/test_pubsub.py::TestPubSubGreen::test_topic",
    "tests/test_retry_eintr.py::TestEINTRSysCall::test_retry_getsockopt",
    "tests/test_retry_eintr.py::TestEINTRSysCall::test_retry_setsockopt",
    "tests/test_socket.py::TestSocket::test_shadow_pyczmq",
    "tests/test_socket.py::TestSocketGreen::test_bad_attr",
    "tests/test_socket.py::TestSocketGreen::test_close_after_destroy",
    "tests/test_socket.py::TestSocketGreen::test_shadow_pyczmq",
    "tests/test_win32_shim.py::TestWindowsConsoleControlHandler::test_handler",
}

#: These fail on real libzmq as well where numpy is installed, which other tests need: numpy's
#: annotations accept an array as a buffer only from Python 3.12 on, and these tests are checked for
#: 3.10.
NUMPY_AND_3_10 = {
    "tests/test_mypy.py::test_mypy_example[pubsub]",
    "tests/test_mypy.py::test_mypy_example[recv_into]",
    "tests/test_mypy.py::test_mypy_example[serialization]",
}

#: These run asyncio in a thread beside the asyncio of the test. With gevent's threads that is the
#: same native thread, where Python allows no second loop. On libzmq, monkey-patched, they fail as
#: well. ``tests/surface/test_authenticators.py`` tests the thread authenticator without asyncio
#: around it.
TWO_LOOPS = {
    "tests/test_auth.py::TestThreadAuthentication::test_null",
    "tests/test_auth.py::TestThreadAuthentication::test_deny",
    "tests/test_auth.py::TestThreadAuthentication::test_allow",
    "tests/test_auth.py::TestThreadAuthentication::test_plain[True-correct-True]",
    "tests/test_auth.py::TestThreadAuthentication::test_plain[False-correct-False]",
    "tests/test_auth.py::TestThreadAuthentication::test_plain[True-incorrect-False]",
    "tests/test_auth.py::TestThreadAuthentication::test_curve[ok-*-True]",
    "tests/test_auth.py::TestThreadAuthentication::test_curve[ok-public_keys-True]",
    "tests/test_auth.py::TestThreadAuthentication::test_curve[bad-public_keys-False]",
    "tests/test_auth.py::TestThreadAuthentication::test_curve[None-public_keys-False]",
    "tests/test_auth.py::TestThreadAuthentication::test_curve_callback[True-ok]",
    "tests/test_auth.py::TestThreadAuthentication::test_curve_callback[True-wrong]",
    "tests/test_auth.py::TestThreadAuthentication::test_curve_callback[False-ok]",
    "tests/test_auth.py::TestThreadAuthentication::test_curve_callback[False-wrong]",
    "tests/test_auth.py::TestThreadAuthentication::test_curve_user_id",
}

#: These name a package in a string, which is not rewritten, and expect its function to be identical
#: to that of the imported package: libzmq's version, and the one that is emulated here.
BY_STRING = {
    "tests/test_imports.py::test_all_exports[zmq_version_info-zmq]",
    "tests/test_imports.py::test_all_exports[zmq_version_info-zmq.green]",
}

#: ``zmq.green`` warns that timeouts do nothing. Here they work. The swapped import does not warn;
#: through the backend the warning says that they work.
TIMEOUTS = {
    "tests/test_socket.py::TestSocketGreen::test_warn_get_timeo",
    "tests/test_socket.py::TestSocketGreen::test_warn_set_timeo",
}

#: ``zlinkcompat.green`` always uses the hub engine. Unpatched, these tests sleep in the operating
#: system until their peers have connected, while no hub runs.
NATIVE_SLEEP = {
    "tests/test_poll.py::TestPollGreen::test_pair",
    "tests/test_poll.py::TestPollGreen::test_pubsub",
    "tests/test_pubsub.py::TestPubSubGreen::test_basic",
    "tests/test_socket.py::TestSocketGreen::test_unicode_sockopts",
}

#: These fail randomly, on libzmq as well, with this in their text: a command line takes a random
#: key that begins with a dash, one in 85, for an option.
BY_CHANCE = {
    "tests/test_curve_keygen.py::test_curve_keygen_secret": r"'--secret', b'-",
}

#: These fail on libzmq only, and in most runs. One of them publishes directly after a subscription
#: over tcp, waits without a limit for the message that was dropped, and leaves its handler to the
#: other tests.
LOST_ON_LIBZMQ = "tests/test_log.py::"


def not_passing(entry_point, patched):
    """Return test names by entry point (``run.ENTRY_POINTS``) and monkey-patching."""
    names = NOT_ON_LIBZMQ | NUMPY_AND_3_10
    if entry_point == "swap":
        names |= BY_STRING | TIMEOUTS
    if entry_point != "libzmq" and patched:
        names |= TWO_LOOPS
    if entry_point == "swap" and not patched:
        names |= NATIVE_SLEEP
    return names
