"""What counts as a difference between libzmq and an engine of ours."""

from compat_tests.applications.compare import compare
from compat_tests.applications.table import TABLE, Application
from compat_tests.suites import Result


def differences(reference, here, **explained):
    application = Application("name", "1", ("tests",), **explained)
    texts = dict.fromkeys([*reference, *here], "what was said")
    return compare(application, Result(reference, texts), "hub", Result(here, texts))


def test_the_same_outcomes_are_no_difference():
    same = {"a": "passed", "b": "failed", "c": "skipped"}
    assert differences(same, same) == ({}, [])


def test_what_passes_here_alone_is_no_difference():
    assert differences({"a": "failed"}, {"a": "passed"}) == ({}, [])


def test_a_test_that_does_not_pass_here_alone_is_told():
    for outcome in ("failed", "hung", "skipped"):
        failed, _ = differences({"a": "passed"}, {"a": outcome})
        assert failed["a"].startswith(f"{outcome}, on libzmq passed")


def test_a_test_that_was_not_run_here_is_told():
    assert "not run" in differences({"a": "passed"}, {})[0]["a"]


def test_a_suite_that_cannot_start_here_is_told():
    assert "name" in differences({"a": "passed"}, {"a": "passed", "name": "failed"})[0]


def test_an_odd_exit_code_on_libzmq_alone_is_no_difference():
    assert differences({"a": "passed", "name": "failed"}, {"a": "passed"}) == ({}, [])


def test_what_the_table_explains_is_not_told():
    explained = {"differences": {"hub": {"a": "why"}}}
    assert differences({"a": "passed"}, {"a": "failed"}, **explained) == ({}, [])
    assert differences({"a": "passed"}, {"a": "passed"}, **explained) == ({}, ["a"])


def test_the_table_pins_versions_and_gives_reasons():
    for application in TABLE:
        assert all("==" in need or "<" in need for need in application.needs), application.name
        for reasons in (*application.differences.values(), application.by_chance):
            assert all(len(reason) > 20 for reason in reasons.values()), application.name
        assert set(application.differences) <= set(application.engines)
