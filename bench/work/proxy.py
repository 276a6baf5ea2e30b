"""One way from a PUSH to a PULL, through a proxy of a PULL and a PUSH in a third process."""

from . import oneway


async def forwarder(end):
    frontend, inlet = end.bound(1, "inlet")
    backend, outlet = end.bound(0, "outlet")
    end.beside(end.adapter.proxy, frontend, backend)
    end.announce(inlet=inlet, outlet=outlet)
    await end.measured()
    await end.wait_for("drained")
    return end.cost()  # the proxy ends only with its process


async def sink(end):
    socket = end.connected(1, await end.wait_for("outlet"))
    result = await oneway.drain(end, socket)
    end.close(socket)
    return result


async def source(end):
    socket = end.connected(0, await end.wait_for("inlet"))
    result = await oneway.pour(end, socket)
    await end.wait_for("drained")
    end.close(socket)
    return result
