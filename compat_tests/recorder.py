"""pytest plugin for test suites of other projects: record each outcome, and limit each test's time.

The outcome of each test is written at once, since a process that hangs or dies leaves no report.
Under gevent the limit is a `gevent.Timeout`, since an exception from a signal handler could be
raised in the hub.
"""

import json
import os

import pytest

TEST_TIMEOUT = 60  # seconds; one test sends 2 GiB, and the machine may be busy


def pytest_addoption(parser):
    parser.addoption("--record", help="file that gets one JSON line per outcome")


def _note(config, **fields):
    with open(config.getoption("--record"), "a") as record:
        record.write(json.dumps(fields) + "\n")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    _note(item.config, test=item.nodeid, outcome="started")
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" or report.outcome != "passed":
        text = str(report.longrepr[2] if report.skipped else report.longrepr or "")
        _note(item.config, test=item.nodeid, outcome=report.outcome, text=text[-2000:])
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item):
    with _bound():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item):
    with _bound():
        return (yield)


def _bound():
    if os.environ.get("ZLINKCOMPAT_UPSTREAM_PATCHED"):
        import gevent

        return gevent.Timeout(TEST_TIMEOUT, TimeoutError(f"over {TEST_TIMEOUT} s"))
    import contextlib

    return contextlib.nullcontext()  # pytest-timeout enforces the limit
