"""Fixtures: event loops of asyncio and uvloop, and a context whose connections they serve."""

import asyncio

import pytest
from guard import GUARD

import zlinkcompat.asyncio as zmq


@pytest.fixture(autouse=True)
def automatic_engine(engine, monkeypatch):
    """Let the package choose the engine itself."""
    monkeypatch.delenv("ZLINK_ENGINE")


@pytest.fixture(params=["asyncio", "uvloop"])
def new_event_loop(request):
    return pytest.importorskip(request.param).new_event_loop


@pytest.fixture
def run(new_event_loop):
    """``run(coroutine)`` runs a coroutine in a new event loop for GUARD seconds at most."""

    def run(coroutine):
        loop = new_event_loop()
        try:
            return loop.run_until_complete(asyncio.wait_for(coroutine, GUARD))
        finally:
            loop.close()

    return run


@pytest.fixture
def context():
    context = zmq.Context()
    yield context
    context.destroy(linger=0)
