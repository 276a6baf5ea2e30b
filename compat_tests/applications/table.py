"""The applications whose test suites we run, and every test whose outcome differs from libzmq's.

The tests come from the sdist, which pip fetches. pip also installs the application, and what its
tests need, into an environment of its own. All versions are pinned and updated by commits.
"""

from dataclasses import dataclass, field

#: The names of our two engines, which are the keys of `Application.differences`.
ENGINES = ("thread", "hub")

#: Requirements that each environment has: those of zlinkcompat, and plugins of pytest.
EVERYWHERE = (
    "gevent==26.9.0",
    "PyNaCl==1.6.2",
    "pyzmq==27.3.0",
    "pytest-timeout==2.4.0",
    "wsproto",
)


@dataclass(frozen=True)
class Application:
    """An application whose tests we run.

    Parameters
    ----------
    name : str
        Its name on the package index.
    version : str
    tests : tuple of str
        Paths in the unpacked sdist that pytest runs.
    needs : tuple of str
        Requirements of its tests.
    extras : str
        Extras of the application, with brackets.
    pytest : str
        The version of pytest.
    arguments : tuple of str
        Further arguments for pytest.
    settings : dict
        Environment variables.
    not_on : dict of str to str
        Maps an engine on which the tests cannot run to the reason.
    isolated : bool
        Whether the tests can run in a network namespace, where no other process uses their ports.
    differences : dict of str to dict
        Maps an engine to tests whose outcome differs from libzmq's, each with the reason.
    by_chance : dict of str to str
        Maps tests that sometimes fail, on libzmq as well, to the reason.
    """

    name: str
    version: str
    tests: tuple
    needs: tuple = ()
    extras: str = ""
    pytest: str = "9.2.0"
    arguments: tuple = ()
    settings: dict = field(default_factory=dict)
    not_on: dict = field(default_factory=dict)
    isolated: bool = True
    differences: dict = field(default_factory=dict)
    by_chance: dict = field(default_factory=dict)

    @property
    def engines(self):
        """Return those of our engines that the application is run on."""
        return tuple(engine for engine in ENGINES if engine not in self.not_on)


#: If these are monkey-patched, they fail on libzmq as well: "Event loop is closed" or "another loop
#: is running".
TWO_LOOPS = {
    "hub": "runs an asyncio loop in a second thread: with gevent this is the same native thread as "
    "the main thread, and Python allows only one loop in a thread"
}

#: We have not analysed these, since they also hang or time out on libzmq if monkey-patched.
HANGS = {"hub": "hangs when it is monkey-patched, on libzmq as well; the cause is not known"}
TIMES_OUT = {
    "hub": "some of its tests time out when it is monkey-patched, on libzmq as well; the "
    "cause is not known, and it has not been run to its end on the hub engine"
}

TABLE = (
    Application(
        "posttroll",
        "1.13.1",
        ("posttroll/tests",),
        needs=("pytest-reraise==2.1.2",),
        isolated=False,
        differences={
            "hub": {
                "posttroll/tests/test_nameserver.py::TestAddressReceiver"
                "::test_localhost_restriction": "replaces its receiver by a mock that returns at "
                "once, so that a loop never waits: other threads would still run, but other "
                "greenlets do not; if monkey-patched, it hangs on libzmq as well"
            }
        },
    ),
    Application(
        "bluesky",
        "1.12.0",
        ("bluesky/tests/test_zmq.py",),
        needs=("matplotlib==3.11.2", "ophyd==1.11.2", "setuptools<81"),
    ),
    Application(
        "parsl",
        "2026.10.26",
        (
            "parsl/tests/test_curvezmq.py",
            "parsl/tests/test_htex/test_zmq_binding.py",
            "parsl/tests/test_monitoring/test_radio_zmq.py",
        ),
        extras="[monitoring]",
        pytest="7.4.4",
        arguments=("--config", "local"),
    ),
    Application("pyleco", "0.6.0.post1", ("tests",)),
    Application(
        "zmq_tubes",
        "1.17.0",
        ("tests",),
        needs=("PyYAML==6.0.4", "pytest-asyncio==1.5.0"),
        differences={
            "hub": dict.fromkeys(
                (
                    "tests/threads/test_sub_pub.py::test_sub_pubs[sub_node0-pub_node10-pub_node20]",
                    "tests/threads/test_sub_pub.py::test_pub_subs[sub_node0-sub_node20-pub_node10]",
                ),
                "publishes right after its connect: the hub does not run in between, so no "
                "subscription has arrived; if monkey-patched, it hangs on libzmq",
            )
        },
    ),
    Application("ezmsg-zmq", "1.4.4", ("tests",), needs=("numpy==2.4.6",), not_on=HANGS),
    Application(
        "callosum",
        "1.0.3",
        ("tests",),
        extras="[zeromq]",
        needs=("pytest-asyncio==1.5.0", "pytest-mock==3.17.0"),
        by_chance={
            "tests/test_rpc.py::test_messaging[ExitOrderedAsyncScheduler]": "expects an order that "
            "depends on sleeps of some milliseconds, so it fails on a busy machine"
        },
    ),
    Application(
        "jupyter_server",
        "2.21.1",
        ("tests/services/kernels",),
        extras="[test]",
        needs=("ipykernel==7.4.0", "jupyter_client==8.10.0", "pytest-jupyter==0.11.0"),
        not_on=TWO_LOOPS,
    ),
    Application(
        "nbclient",
        "0.11.0",
        ("tests",),
        extras="[test]",
        not_on=TWO_LOOPS,
        needs=("ipykernel==7.4.0", "jupyter_client==8.10.0"),
    ),
    Application(
        "metakernel",
        "1.0.7",
        ("tests",),
        needs=(
            "ipykernel==7.4.0",
            "ipywidgets==8.1.9",
            "jupyter_client==8.10.0",
            "jupyter_kernel_test==0.7.0",
            "requests==2.34.2",
        ),
        not_on=TIMES_OUT,
    ),
    Application(
        "aiozmq",
        "1.0.0",
        ("tests",),
        needs=("msgpack==1.2.4", "setuptools<81"),
        arguments=(
            "-o",
            "python_files=*_test.py",
            "-p",
            "compat_tests.applications.coroutine_decorator",
        ),
    ),
)
