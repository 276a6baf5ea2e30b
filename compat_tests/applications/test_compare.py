"""Tests of what counts as a difference between libzmq and one of our engines."""

from compat_tests.applications.compare import compare
from compat_tests.applications.table import TABLE, Application
from compat_tests.suites import Result


def differences(reference, here, **explained):
    application = Application("name", "1", ("tests",), **explained)
    texts = dict.fromkeys([*reference, *here], "what was said")
    return compare(application, Result(reference, texts), "hub", Result(here, texts))


def test_equal_outcomes_are_not_a_difference():
    same = {"a": "passed", "b": "failed", "c": "skipped"}
    assert differences(same, same) == ({}, [])


def test_test_passing_only_here_is_not_a_difference():
    assert differences({"a": "failed"}, {"a": "passed"}) == ({}, [])


def test_test_failing_only_here_is_reported():
    for outcome in ("failed", "hung", "skipped"):
        failed, _ = differences({"a": "passed"}, {"a": outcome})
        assert failed["a"].startswith(f"{outcome}, on libzmq passed")


def test_test_not_run_here_is_reported():
    assert "not run" in differences({"a": "passed"}, {})[0]["a"]


def test_suite_that_cannot_start_here_is_reported():
    assert "name" in differences({"a": "passed"}, {"a": "passed", "name": "failed"})[0]


def test_odd_exit_code_on_libzmq_only_is_not_a_difference():
    assert differences({"a": "passed", "name": "failed"}, {"a": "passed"}) == ({}, [])


def test_difference_explained_in_the_table_is_not_reported():
    explained = {"differences": {"hub": {"a": "why"}}}
    assert differences({"a": "passed"}, {"a": "failed"}, **explained) == ({}, [])
    assert differences({"a": "passed"}, {"a": "passed"}, **explained) == ({}, ["a"])


def test_the_table_pins_versions_and_gives_reasons():
    for application in TABLE:
        assert all("==" in need or "<" in need for need in application.needs), application.name
        for reasons in (*application.differences.values(), application.by_chance):
            assert all(len(reason) > 20 for reason in reasons.values()), application.name
        assert set(application.differences) <= set(application.engines)
