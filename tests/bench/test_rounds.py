"""A round leaves nothing behind if one of its ends hangs, dies or reports wrong results."""

import os
import signal
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace

import pytest

from bench import syscalls
from bench.adapters import adapter
from bench.busy import BusyProcesses
from bench.cases import Case
from bench.machine import OtherWork
from bench.processes import ForkServer, RoundFailed, run_processes
from bench.run import Run, combined, slowdown, specs
from bench.work.end import End
from tests.bench.conftest import Silent

ONE_WAY = Case("push-pull", "tcp", 64)


def spec(case, folder, **more):
    prefix = os.path.join(folder, "1")
    return [{**each, **more} for each in specs(case, 0.02, prefix, False, False, 0)]


def test_hanging_end_is_killed_and_named(forkserver, tmp_path):
    sink, _ = spec(ONE_WAY, str(tmp_path))  # no peer connects
    spawned = []
    with pytest.raises(RoundFailed, match=r"pyzmq \(sink\) hung, killed after 1 s"):
        run_processes(
            forkserver("pyzmq"), [sink], 1, lambda message, children: spawned.extend(children)
        )
    assert not Path(f"/proc/{spawned[0].pid}").exists()


def test_dead_end_is_reported_with_its_stderr(forkserver, tmp_path):
    case = Case("push-pull", "ipc", 64)
    both = spec(case, str(tmp_path / "no such folder"))
    with pytest.raises(RoundFailed, match=r"(?s)pyzmq \(sink\) ended with 1.*ZMQError"):
        run_processes(forkserver("pyzmq"), both, 100)


def test_crashing_library_drops_out_of_its_case_only(forkserver, tiny, tmp_path):
    victim, other = forkserver("zmq.green"), forkserver("pyzmq")

    def crash(message, children):
        os.kill(children[0].pid, signal.SIGSEGV)

    with pytest.raises(RoundFailed, match="ended with -11"):
        run_processes(victim, spec(ONE_WAY, str(tmp_path)), 100, crash)
    result = tiny([victim, other], ONE_WAY)
    assert [each.error for each in result.series] == [None, None]


def test_killed_forkserver_is_restarted(tmp_path):
    with ForkServer(adapter("pyzmq")) as own:

        def kill(message, children):
            own.popen.kill()

        with pytest.raises(RoundFailed, match="its forkserver ended"):
            run_processes(own, spec(ONE_WAY, str(tmp_path)), 100, kill)
        results, _ = run_processes(own, spec(ONE_WAY, str(tmp_path)), 100)
        assert len(results) == 2


def test_unimportable_library_is_missing():
    broken = adapter("pyzmq")
    broken.name = "no such library"
    with ForkServer(broken) as own:
        assert "no library 'no such library'" in own.missing


def test_lost_messages_are_an_error():
    with pytest.raises(RoundFailed, match="3 sent, 2 received"):
        combined(ONE_WAY, [{"sent": 3}, {"received": 2}])


def test_only_two_ends_get_a_cpu_each(tmp_path):
    cpus = sorted(os.sched_getaffinity(0))
    two = specs(ONE_WAY, 1, str(tmp_path / "1"), True, False, 0)
    assert [each["cpu"] for each in two] == (cpus[:2] if len(cpus) > 1 else [None, None])
    three = specs(Case("proxy", "tcp", 64), 1, str(tmp_path / "1"), True, False, 0)
    assert [each["cpu"] for each in three] == [None] * 3
    (one,) = specs(Case("pair", "inproc", 64), 1, str(tmp_path / "1"), True, False, 0)
    assert one["cpu"] is None and one["roles"] == ("sink", "source")


@pytest.mark.parametrize("counter", [syscalls.Perf, syscalls.Strace])
def test_system_calls_are_counted(counter, forkserver, tiny):
    if not counter.works():
        pytest.skip(f"{counter.__name__.lower()} does not work here")
    result = tiny([forkserver("zlink")], Case("req-rep", "tcp", 64), counting=counter)
    # Each end makes at least one send and one recv.
    assert result.of("zlink").syscalls >= 4


def test_only_charged_roles_count_in_the_costs(tmp_path):
    case = Case("slow-subscriber", "tcp", 64)
    ends = [{"sent": 70, "messages": 10, "user": 1e-5, "system": 2e-5, "rate": 7.0}, {}]
    round_ = combined(case, [*ends, {"received": 70}])
    assert round_["count"] == 10 and round_["cpu_us"] == pytest.approx(3)
    assert case.charged == ("source",) and case.roles == ("sink", "sleeper", "source")


def test_system_calls_are_counted_in_the_charged_processes_only():
    class Seen(syscalls.Unseen):
        def attach(self, pids):
            self.pids = pids

    children = [
        SimpleNamespace(pid=number, roles=(role,), sent=[])
        for number, role in enumerate(("sink", "source"))
    ]
    for each in children:
        each.send = each.sent.append
    counter = Seen(("source",))
    counter.on_message({"endpoint": "x"}, children)
    counter.on_message({"warm source": True}, children)
    assert counter.pids == [1] and [each.sent for each in children] == [[{"go": True}]] * 2


def test_busy_processes_compute_and_end():
    with BusyProcesses(2) as busy:
        pids = [each.pid for each in busy.running]
        deadline = perf_counter() + 60
        while busy.cpu() < 0.1 and perf_counter() < deadline:
            pass
        assert busy.cpu() >= 0.1
    assert busy.cpu() == 0 and not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_intended_load_does_not_spoil_a_round(forkserver, tmp_path):
    with BusyProcesses(3) as busy:
        run = Run([], 1, 0.02, 100, False, None, (), 0, str(tmp_path), Silent(), busy)
        before = busy.cpu()
        others = OtherWork()
        round_, cpu = run.play_once(forkserver("pyzmq"), ONE_WAY, 0.3, 100)
        with_them, without = others.share(cpu), others.share(cpu + busy.cpu() - before)
    assert round_["rate"] > 0 and without < with_them


def test_slowdown_hook_affects_only_our_libraries(monkeypatch, forkserver):
    monkeypatch.setenv("BENCH_SLOWDOWN", "0.3")
    assert (
        slowdown(forkserver("zlink").adapter) == 0.3 and slowdown(forkserver("pyzmq").adapter) == 0
    )


def test_slowed_end_wastes_its_share_of_the_time():
    since = perf_counter() - 0.01
    assert End.slowed(SimpleNamespace(slowdown=0.75), since) - since >= 0.04
    assert End.slowed(SimpleNamespace(slowdown=0), since) <= perf_counter()
