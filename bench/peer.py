"""A process of a round, which runs its roles and sends the result."""

import os
import resource
import signal
from contextlib import suppress
from functools import partial
from importlib import import_module

from . import blocking, latency
from .cases import Case
from .channel import Channel


def run(adapter, spec, control):
    """Run the roles that ``spec`` names, and send ``{"result": {...}}`` to the run.

    Parameters
    ----------
    adapter : bench.adapters.base.Adapter
        The library, already loaded.
    spec : dict
        See :func:`bench.run.specs`.
    control : socket.socket
    """
    # SIGALRM ends this process if the run has ended without ending it.
    signal.alarm(spec["deadline"])
    if spec["cpu"] is not None:
        os.sched_setaffinity(0, {spec["cpu"]})
    raise_file_limit()
    case = Case(spec["pattern"], spec["transport"], spec["size"])
    channel = Channel(control)
    if adapter.waiting.asynchronous:
        load = partial(import_module, package=f"{__package__}.work")
        work, end_module = load(f".{adapter.work(case)}"), load(".end")
    else:
        work, end_module = getattr(blocking, adapter.work(case)), blocking.end
    if spec["counted"]:
        os.environ["ZMQ_DEBUG_COUNTERS"] = "1"
    adapter.certificate = spec["certificate"]
    adapter.start(case)
    functions = []
    for role in spec["roles"]:
        end = end_module.End(
            adapter,
            case,
            role,
            channel,
            spec["seconds"],
            spec["addresses"],
            spec["counted"],
            spec["slowdown"],
        )
        functions.append(partial(getattr(work, role.partition("-")[0]), end))
    if len(functions) == 1 and not adapter.waiting.asynchronous:
        results = [functions[0]()]  # in the main thread or greenlet
    else:
        results = adapter.waiting.together(functions)
    if case.pattern != "proxy":  # a proxy only ends with its process
        adapter.stop()
    channel.send(result={**finished(gathered(results)), "counters": adapter.counters()})


def gathered(results):
    """Merge the results of the ends of one process. All of them report the CPU time of the process,
    so these times are not added up."""
    whole = {}
    for result in results:
        whole.update(result)
    return whole


def finished(result):
    times = result.pop("times", None)
    if times is not None:
        result["histogram"] = latency.encoded(times)
    return result


def raise_file_limit():
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
