"""The figures of a run are written into README and docs, and only between the marker comments."""

import pytest

from bench import phases, publish
from bench.cases import Case
from bench.results import save
from tests.bench.conftest import results, series

STORM = Case("storm", "tcp", 500)
PARTS = {
    "README.md": ["machine"],
    "docs/performance.md": ["where", "summary", "ratios", "variants", "behind"],
    "docs/figures.md": ["grid", "details", "aims"],
    "docs/compare.md": ["compared"],
    "docs/performance-plan.md": ["where", "flags", "targets"],
}


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """Return a folder with the pages to publish into, which contain only the marker comments."""
    (tmp_path / "docs").mkdir()
    for page, parts in PARTS.items():
        marks = (f"<!-- bench:{part} -->\nold\n<!-- /bench:{part} -->\n" for part in parts)
        (tmp_path / page).write_text("before\n" + "by hand\n".join(marks) + "after\n")
    monkeypatch.setattr(publish, "ROOT", tmp_path)
    return tmp_path


def published(run, pages):
    save(run, pages / "run.json")
    publish.main(pages / "run.json")
    return {page: (pages / page).read_text() for page in PARTS}


def test_each_part_is_written_only_between_its_marks(run, pages):
    baseline = (pages / "docs" / "performance-plan.md").read_text()
    run.duration = 3060
    texts = published(run, pages)
    assert texts["docs/performance-plan.md"] == baseline
    performance = texts["docs/performance.md"]
    assert "commit" in texts["README.md"]
    assert "| `push-pull/tcp/64B` | 4 M/s | 1 M/s (**4.00x**) |" in texts["docs/figures.md"]
    assert "took 51 minutes" in performance and "ahead of pyzmq in 1 of 2 cases" in performance
    for text in texts["README.md"], performance, texts["docs/figures.md"]:
        assert "old" not in text and text.startswith("before\n") and text.endswith("after\n")
    assert performance.count("by hand\n") == 4
    assert (pages / "docs" / "overview.svg").read_text().startswith("<svg")
    assert published(run, pages) == texts


def test_missing_mark_is_reported(run, pages):
    (pages / "README.md").write_text("<!-- bench:machine -->")
    with pytest.raises(ValueError, match=r"README.md has no <!-- bench:machine --> \.\.\."):
        published(run, pages)


def test_run_of_the_flags_updates_the_baseline(pages):
    performance = (pages / "docs" / "performance.md").read_text()
    run = results(
        (phases.SMALL, series("zlink", "rate", 4e6), series(phases.PLAIN, "rate", 1e6)),
        libraries=("zlink", phases.PLAIN),
    )
    texts = published(run, pages)
    assert texts["docs/performance.md"] == performance
    assert "`push-pull/tcp/64B`" in texts["docs/performance-plan.md"]
    assert "old" not in texts["docs/performance-plan.md"]


def test_cases_behind_others_are_complete_and_worst_first():
    run = results(
        (
            STORM,
            *(
                series(name, "rate", rate)
                for name, rate in (
                    ("pyzmq", 900.0),
                    ("pyomq", 2000.0),
                    ("zmq.green", 4000.0),
                    ("raw", 9e9),
                    ("zlink-thread", 450.0),
                    ("zlink", 1000.0),
                )
            ),
        ),
        libraries=("pyzmq", "pyomq", "zmq.green", "raw", "zlink-thread", "zlink"),
    )
    head = "| case | ahead | its figure | {} | ratio |\n| --- | --- | --- | --- | --- |\n"
    assert publish.where_not(run) == (
        "pyzmq ahead of zlink:\n\nNone.\n\n"
        "pyzmq ahead of zlink-thread:\n\n"
        + head.format("zlink-thread")
        + "| `storm/tcp/500x` | pyzmq | 900/s | 450/s | 0.50x |\n\n"
        "another ahead of zlink:\n\n"
        + head.format("zlink")
        + "| `storm/tcp/500x` | zmq.green | 4,000/s | 1,000/s | 0.25x |\n"
        "| `storm/tcp/500x` | pyomq | 2,000/s | 1,000/s | 0.50x |"
    )
