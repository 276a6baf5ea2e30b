"""The hub survives an interrupt while it starts. A wait in a hub that has ended raises."""


def test_interrupt_at_the_start_of_the_hub(program):
    """A KeyboardInterrupt at the start of the hub does not end the hub's greenlet.

    If it did, later waits of a socket would spin at 100% CPU.
    """
    one = program(
        """
        hub = gevent.get_hub()
        interrupted = []

        def start_periodic_monitoring_thread():
            # gevent's Hub.run calls this function first.
            if not interrupted:
                interrupted.append(True)
                raise KeyboardInterrupt

        hub.start_periodic_monitoring_thread = start_periodic_monitoring_thread
        context = zmq.Context()
        pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        push.connect(f"tcp://127.0.0.1:{pull.bind_to_random_port('tcp://127.0.0.1')}")
        push.send(b"received")
        try:
            pull.recv()
        except KeyboardInterrupt:
            say("interrupted")
        say(pull.recv().decode())
        context.destroy()
    """,
        engine="hub",
    )
    assert one.ends() == "interrupted\nreceived\n"


def test_wait_in_a_hub_that_has_ended_raises(program):
    one = program(
        """
        hub = gevent.get_hub()
        pull = zmq.Context().socket(zmq.PULL)
        hub.throw(gevent.GreenletExit)
        try:
            pull.recv()
        except RuntimeError as error:
            say(error)
        os._exit(0)
    """,
        engine="hub",
    )
    assert "hub of this thread has ended" in one.ends()
