"""The tests of pyzmq's suite that do not pass on zlinkcompat, with the reasons.

A test that is not listed here must pass, and a test that is listed here must not pass.
"""

#: Maps a file that we do not run at all to the reason.
LEFT_OUT = {
    "test_cython.py": "builds Cython against libzmq's headers",
    "test_cffi_backend.py": "tests pyzmq's CFFI backend, which wheels for CPython do not have",
}

#: Maps a file that we do not run with pyzmq 25 to the reason.
LEFT_OUT_OF_25 = {
    "test_mypy.py": "checks for Python 3.7, but numpy and tornado use newer syntax",
}

#: These skip themselves on real libzmq as well. They need draft features, other wheels or other
#: systems, test removed features, or do not apply to green sockets.
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

#: These fail on real libzmq as well if numpy is installed, which other tests need. They are checked
#: for Python 3.10, but numpy's annotations accept an array as a buffer only from Python 3.12 on.
NUMPY_AND_3_10 = {
    "tests/test_mypy.py::test_mypy_example[pubsub]",
    "tests/test_mypy.py::test_mypy_example[recv_into]",
    "tests/test_mypy.py::test_mypy_example[serialization]",
}

#: These run an asyncio loop in a thread while the test itself runs another loop. If monkey-patched,
#: both threads are one native thread, in which Python allows no second loop, so these tests fail on
#: libzmq as well. ``tests/surface/test_authenticators.py`` tests the thread authenticator without
#: a second loop.
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

#: These name the package ``zmq`` in a string, which the swapped import does not rewrite. They
#: expect its ``zmq_version_info`` to be the function of the imported package. But the former
#: function returns the version of libzmq, and the latter is our own.
BY_STRING = {
    "tests/test_imports.py::test_all_exports[zmq_version_info-zmq]",
    "tests/test_imports.py::test_all_exports[zmq_version_info-zmq.green]",
}

#: pyzmq's ``zmq.green`` warns that timeouts have no effect. On our engine they work, so the swapped
#: import does not warn. Through the backend the warning says that they work.
TIMEOUTS = {
    "tests/test_socket.py::TestSocketGreen::test_warn_get_timeo",
    "tests/test_socket.py::TestSocketGreen::test_warn_set_timeo",
}

#: ``zlinkcompat.green`` always uses the hub engine. If not monkey-patched, these tests sleep
#: natively, so the hub does not run, and the peers for which they wait do not connect.
NATIVE_SLEEP = {
    "tests/test_poll.py::TestPollGreen::test_pair",
    "tests/test_poll.py::TestPollGreen::test_pubsub",
    "tests/test_pubsub.py::TestPubSubGreen::test_basic",
    "tests/test_socket.py::TestSocketGreen::test_unicode_sockopts",
}

#: Maps tests that fail at random, on libzmq as well, to a pattern of their text. A command line
#: mistakes a random key for an option if the key begins with a dash, as one in 85 keys does.
BY_CHANCE = {
    "tests/test_curve_keygen.py::test_curve_keygen_secret": r"'--secret', b'-",
}

#: These fail on libzmq only, and in most runs. One of them publishes right after a subscription
#: over tcp, and then waits forever for the message, which was dropped. It also leaves a logging
#: handler behind, with which the other tests fail.
LOST_ON_LIBZMQ = "tests/test_log.py::"


def not_passing(entry_point, patched):
    """Return the names of the tests that must not pass.

    Parameters
    ----------
    entry_point : str
        One of ``run.ENTRY_POINTS``.
    patched : bool
        Whether the run is monkey-patched.
    """
    names = NOT_ON_LIBZMQ | NUMPY_AND_3_10
    if entry_point == "swap":
        names |= BY_STRING | TIMEOUTS
    if entry_point != "libzmq" and patched:
        names |= TWO_LOOPS
    if entry_point == "swap" and not patched:
        names |= NATIVE_SLEEP
    return names
