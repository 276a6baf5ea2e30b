"""The table of the matrix has one sorted row per cell; rows without a new cell do not change."""

from compat_tests.suites import Result
from compat_tests.upstream.cell import judge
from compat_tests.upstream.expected import BY_CHANCE, BY_STRING, NOT_ON_LIBZMQ
from compat_tests.upstream.table import row, rows_of, table, write


def cell():
    result = Result()
    for outcome, test in [
        ("passed", "tests/a.py::good"),
        ("failed", "tests/a.py::bad"),
        ("skipped", min(NOT_ON_LIBZMQ)),
        ("failed", min(BY_STRING)),
    ]:
        result.outcomes[test], result.texts[test] = outcome, "what was said"
    return judge(result, "swap", False)


def test_cell_separates_failures_from_expected_ones():
    found = cell()
    assert found["passed"] == found["skipped"] == found["deselected"] == 1
    assert found["failed"] == {"tests/a.py::bad": "what was said"}
    assert (found["entry_point"], found["engine"]) == ("swap", "thread")


def test_test_skipped_only_here_counts_as_failed():
    result = Result({"tests/a.py::new": "skipped"}, {"tests/a.py::new": "Skipped: no curve"})
    assert judge(result, "backend", False)["failed"] == {"tests/a.py::new": "Skipped: no curve"}


def test_random_failure_is_excused_only_with_its_known_cause():
    test = min(BY_CHANCE)
    for text, failed in (("run(['--secret', b'-AX5']) said 2", 0), ("another reason", 1)):
        result = Result({test: "failed"}, {test: text})
        assert len(judge(result, "backend", False)["failed"]) == failed


def test_libzmq_failure_is_excused_on_libzmq_only():
    test = "tests/test_log.py::TestPubLog::test_blank_root_topic"
    result = Result({test: "failed"}, {test: "Test did not complete in 60 seconds"})
    assert not judge(result, "libzmq", False)["failed"]
    assert judge(result, "backend", False)["failed"] and judge(result, "swap", False)["failed"]


def test_cell_becomes_a_table_row():
    last = table([row(cell())]).splitlines()[-1]
    assert last.split(" | ")[1:3] == ["swap", "thread"] and last.endswith("| 1 | 1 | 1 | 1 |")
    assert rows_of(table([row(cell())])) == [row(cell())]


def test_page_around_the_table_is_unchanged(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Before\n")
    write([cell()], page)
    page.write_text(page.read_text() + "\nAfter\n")
    once = page.read_text()
    write([cell()], page)
    assert page.read_text() == once and once.startswith("# Before\n") and once.endswith("After\n")


def test_row_stays_until_a_newer_one_replaces_it(tmp_path):
    """After a run of a part of the matrix, the rows of the other parts are still there."""
    page = tmp_path / "page.md"

    def versions(*written):
        write([{**cell(), "pyzmq": version} for version in written], page)
        return [fields[0] for fields in rows_of(page.read_text())]

    assert versions("25.1.2", "27.3.0") == ["25.1.2", "27.3.0"]
    assert versions("26.4.0") == ["25.1.2", "26.4.0", "27.3.0"]
    assert versions("27.10.0") == ["25.1.2", "26.4.0", "27.10.0"]
