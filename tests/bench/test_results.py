"""Runs have medians, ratios, noise and targets, can be stored and compared, and fill tables."""

import json
import xml.dom.minidom

import pytest

from bench import compare, latency, metrics
from bench.adapters import known
from bench.cases import Case, full_cases, named
from bench.results import CaseResult, Series, load, save
from bench.show import charts, formatting, markdown, page
from tests.bench.conftest import RATE, TRIP, results, series


def test_disturbed_rounds_count_only_if_there_are_no_others():
    some = series("pyzmq", "rate", None, spoilt=[{"rate": 9.0}])
    assert some.median() == 9.0 and some.disturbed
    some.rounds.append({"rate": 5.0})
    assert some.median() == 5.0 and not some.disturbed


def test_ratios_are_taken_round_by_round():
    result = CaseResult(
        RATE,
        [
            series("pyzmq", "rate", 1.0, None, 2.0, 4.0),
            series("zlink", "rate", 3.0, 9.0, 8.0, 8.0),
        ],
    )
    ratio = result.ratio("zlink", "pyzmq")
    assert ratio.values == [3.0, 4.0, 2.0] and ratio.value == 3.0
    assert ratio.target == 8 and ratio.reached is False and ratio.gain == 3.0


def test_lower_is_better_for_a_round_trip():
    result = CaseResult(TRIP, [series("pyzmq", "p50_us", 100.0), series("zlink", "p50_us", 25.0)])
    ratio = result.ratio("zlink", "pyzmq")
    assert ratio.value == 0.25 and ratio.gain == 4.0 and ratio.reached is False
    assert formatting.target(ratio) == "<= 0.12x no"


def trip(cpu, p99):
    """Return a round with a rate of a million, this CPU time and this 99th percentile, in us."""
    return {"rate": 1e6, "user_us": cpu / 2, "system_us": cpu / 2, "p99_us": p99}


def test_latencies_cpu_and_calls_have_ratios_of_their_own():
    theirs = Series("pyzmq", "rate", [trip(4.0, 100.0), trip(6.0, 300.0)], syscalls=0.5)
    ours = Series("zlink", "rate", [trip(2.0, 50.0), trip(3.0, 75.0)], syscalls=0.1)
    result = CaseResult(RATE, [theirs, ours])
    assert result.metrics() == [metrics.P99, metrics.CPU, metrics.CALLS]
    ratios = [result.ratio("zlink", "pyzmq", each) for each in result.metrics()]
    assert [each.values for each in ratios] == [[0.5, 0.25], [0.5, 0.5], [0.2]]
    assert [each.gain > 1 for each in ratios] == [True] * 3
    assert [each.target for each in ratios] == [None] * 3


def test_asyncio_libraries_are_compared_with_ours_in_asyncio():
    names = ("pyzmq", "zmq.asyncio", "pyomq.asyncio-uvloop", "zlink", "zlink.asyncio")
    run = results((RATE, *(series(name, "rate", 1e6) for name in names)), libraries=names)
    (result,) = run.cases
    assert [run.ours(result, each) for each in names] == [
        "zlink",
        "zlink.asyncio",
        "zlink",
        "zlink.asyncio",
        "zlink",
    ]
    assert run.against(result, "zlink") is None


@pytest.mark.parametrize(
    "libraries, subject",
    [
        (("pyzmq", "zlink-thread", "zlink"), "zlink"),
        (("zlink.asyncio", "zlink.asyncio-uvloop", "pyomq.asyncio"), "zlink.asyncio"),
        (("pyzmq", "raw"), "raw"),
        ((), None),
    ],
)
def test_our_library_is_the_subject_in_any_position(libraries, subject):
    assert results(libraries=libraries).subject == subject


def test_no_ratio_to_failed_or_missing_libraries():
    result = CaseResult(
        RATE,
        [
            series("pyzmq", "rate", 1.0, error="died"),
            series("zlink", "rate", 3.0),
        ],
    )
    assert result.ratio("zlink", "pyzmq") is None and result.ratio("zlink", "raw") is None
    assert formatting.series_figure(RATE, result.of("pyzmq")) == "FAILED"


def test_noise_over_five_percent_is_marked():
    assert "~" not in formatting.series_figure(RATE, series("zlink", "rate", 1e6, 1.01e6, 1.02e6))
    assert "~35%" in formatting.series_figure(
        RATE, series("zlink", "rate", 1e6, 1.5e6, 2e6)
    ) or "~33%" in formatting.series_figure(RATE, series("zlink", "rate", 1e6, 1.5e6, 2e6))


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("push-pull/tcp/64B", 5.71e6, "5.71 M/s"),
        ("push-pull/tcp/64B", 41.2e3, "41.2 k/s"),
        ("push-pull/tcp/64KB", 4e4, "2.62 GB/s"),
        ("req-rep/tcp/64B", 9.87, "9.87 us"),
        ("memory/tcp/3000x", 22.5 * 1024, "22.5 KB"),
        ("storm/tcp/500x", 5627.7, "5,628/s"),
    ],
)
def test_figures_are_formatted(name, value, text):
    (case,) = named([name])
    assert formatting.figure(case, value) == text


def test_a_histogram_keeps_three_digits():
    text = latency.encoded([1000 * each for each in range(1, 1001)])
    found = latency.percentiles((text, text))
    assert found["p50_us"] == pytest.approx(500, rel=2e-3)
    assert found["p999_us"] == pytest.approx(999, rel=2e-3)


def test_formatted_latencies_are_the_percentiles():
    trips = {"histogram": latency.encoded([10_000] * 90 + [50_000] * 10)}
    some = type(series("", ""))("zlink", "p50_us", [trips])
    assert formatting.latency(some) == "10 / 10 / 50 / 50"
    assert formatting.latency(None) == formatting.latency(series("zlink", "rate", 1e6)) == ""


def test_names_of_cases_are_unique():
    names = [case.name for case in full_cases()]
    assert len(set(names)) == len(names)
    assert [case.name for case in named(["req-rep/*/1KB"])] == [
        f"req-rep/{each}/1KB" for each in ("tcp", "ipc", "inproc", "tls", "ws", "wss")
    ]


def test_run_survives_save_and_load(run, tmp_path):
    path = tmp_path / "run.json"
    save(run, path)
    again = load(path)
    save(again, tmp_path / "again.json")
    assert path.read_text() == (tmp_path / "again.json").read_text()
    first = json.loads(path.read_text())["cases"][0]
    assert first["ratios"] == [
        {
            "of": "zlink",
            "to": "pyzmq",
            "figure": "rate",
            "ratio": 4.0,
            "deviation": 0.0,
            "target": 8,
            "reached": False,
        },
    ]
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 99}'])
def test_invalid_results_file_is_refused(text, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="not the results of python -m bench"):
        load(path)


def test_duration_is_formatted(run):
    assert formatting.duration(run) == ""
    run.duration = 3060.0
    assert formatting.duration(run) == "3 cases of 2 libraries took 51 minutes"


def test_markdown(run):
    text = markdown.document(run)
    assert "| `push-pull/tcp/64B` | 4 M/s | 1 M/s (**4.00x**) |" in text
    assert "FAILED req-rep/tcp/64B pyzmq: hung <here>" in text


def test_page_is_complete_and_needs_no_network(run, tmp_path):
    text = page.write(run, tmp_path / "report").read_text()
    assert text.count("<svg") >= 3 and "hung &lt;here&gt;" in text
    assert 'class="ahead"' in text and 'class="behind"' in text
    for outside in ("<script", 'src="http', 'href="http', "@import"):
        assert outside not in text
    assert charts.summary(run) == (
        "zlink is ahead of pyzmq in 1 of 2 cases; best 4.0 times "
        "(push-pull/tcp/64B), worst 0.50 times (push-pull/tcp/256B)."
    )


def test_every_library_has_a_colour_of_its_own():
    assert charts.STYLES.keys() == known().keys()
    assert len({color for color, _ in charts.STYLES.values()}) == len(known())


def test_charts_are_well_formed(run):
    lines, curves = charts.all_of(run)
    assert len(lines) == 1 and len(curves) == 1
    for chart in (
        *lines,
        *curves,
        charts.heat_map(run, "pyzmq"),
        charts.overview(run, [RATE.name], [TRIP.name]),
        *charts.metrics(run),
    ):
        xml.dom.minidom.parseString(chart)


def figures(*values, reference=1e6, case=RATE):
    name = case.field
    return results(
        (case, series("pyzmq", name, *[reference] * len(values)), series("zlink", name, *values))
    )


def only_change(old, new):
    (change,) = compare.changes(old, new)
    return change.move


def test_change_beyond_the_noise_is_reported():
    change = only_change(figures(4e6, 4.1e6, 3.9e6), figures(2.8e6, 2.9e6, 2.7e6))
    assert change.regressed and change.change == pytest.approx(-0.3, abs=0.01)
    assert only_change(figures(3e6, 3e6, 3e6), figures(4e6, 4e6, 4e6)).improved


def test_large_slowdown_exceeds_the_noise_of_a_busy_machine():
    assert only_change(figures(2e6, 6e6, 3e6), figures(6e4, 2e4, 2e4)).regressed


def test_higher_is_worse_for_a_round_trip():
    old = figures(10.0, 10.0, 10.0, reference=100.0, case=TRIP)
    new = figures(14.0, 14.0, 14.0, reference=100.0, case=TRIP)
    assert only_change(old, new).regressed and only_change(new, old).improved


def test_change_within_the_noise_is_not_reported():
    change = only_change(figures(4e6, 3e6, 5e6), figures(3.3e6, 2.5e6, 4.2e6))
    assert not change.regressed and change.noise > 0.1


def test_noise_of_the_whole_run_moderates_similar_rounds():
    def run(*values):
        others = (Case("pair", "tcp", 64 << number) for number in range(9))
        return results(
            *((case, series("zlink", case.field, 2e6, 3e6, 4e6)) for case in others),
            (RATE, series("zlink", RATE.field, *values)),
        )

    def change(after):
        found = compare.changes(run(4e6, 4e6, 4e6), run(*[after] * 3))
        return next(each.move for each in found if each.case is RATE)

    assert not change(2.8e6).regressed and change(1e6).regressed


def test_cpu_increase_is_reported_beside_the_rate():
    def run(cpu):
        pyzmq, zlink = (
            Series(name, "rate", [trip(each, 9.0)] * 3)
            for name, each in (("pyzmq", 2.0), ("zlink", cpu))
        )
        return results((RATE, pyzmq, zlink))

    found = {each.what: each.move for each in compare.changes(run(2.0), run(4.0))}
    assert found.keys() == {"zlink", "zlink p99", "zlink CPU/message"}
    assert found["zlink CPU/message"].regressed
    assert not found["zlink"].regressed and not found["zlink p99"].regressed


@pytest.mark.parametrize("after, regressed", [(0.6, True), (0.25, False), (0.2, False)])
def test_single_system_call_count_has_an_uncertainty(after, regressed):
    def run(calls):
        return results((RATE, series("zlink", "rate", 1e6, 1e6, syscalls=calls)))

    *_, calls = compare.changes(run(0.2), run(after))
    assert calls.metric is metrics.CALLS and calls.move.regressed is regressed


def test_very_few_system_calls_are_not_compared():
    def run(calls):
        return results((RATE, series("zlink", "rate", 1e6, 1e6, syscalls=calls)))

    assert [each.metric for each in compare.changes(run(0.001), run(0.04))] == [None]


def test_slower_machine_is_not_a_regression():
    old, new = figures(4e6, 4e6, 4e6), figures(2e6, 2e6, 2e6, reference=5e5)
    assert not only_change(old, new).regressed


def test_faster_pyzmq_is_not_a_regression():
    old, new = figures(4e6, 4e6, 4e6), figures(4e6, 4e6, 4e6, reference=2e6)
    assert not only_change(old, new).regressed and not only_change(new, old).improved


def test_another_reference_replaces_pyzmq_where_it_has_no_figure():
    def run(ours, theirs):
        case = Case("push-pull", "ws", 64)
        return results(
            (
                case,
                series("websockets", case.field, *[theirs] * 3),
                series("zlink", case.field, *[ours] * 3),
            )
        )

    assert not only_change(run(4e6, 1e6), run(2e6, 5e5)).regressed
    assert only_change(run(4e6, 1e6), run(2e6, 1e6)).regressed


def test_only_the_ratio_counts_on_another_machine():
    old, new = figures(4e6, 4e6, 4e6), figures(5e6, 5e6, 5e6, reference=2e6)
    assert not only_change(old, new).regressed
    new.environment["cpu"] = "another"
    assert only_change(old, new).regressed


def test_figures_of_only_one_run_are_not_compared():
    assert compare.changes(results(), figures(1.0)) == []
