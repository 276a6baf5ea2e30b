"""``python -m zlinkcompat prog.py args`` runs a program as ``python`` does, but on our engine."""

import json
import textwrap
from pathlib import Path

import pytest
from programs import interrupt_when_ready, python

TELL = """
import json, os, sys
print(json.dumps({
    "argv": sys.argv, "name": __name__, "file": __file__, "path": sys.path[0],
    "package": __package__, "main": sys.modules["__main__"].__dict__ is globals(),
    "backend": os.environ.get("PYZMQ_BACKEND"),
}))
"""


@pytest.fixture
def program(tmp_path):
    """``program(source)`` writes ``source`` to a file and returns its path."""

    def program(source, name="prog.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return path

    return program


def runner(*arguments, **keywords):
    return python("-m", "zlinkcompat", *arguments, **keywords)


def told(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(params=[(), ("--no-patch",)], ids=["patched", "unpatched"])
def patch(request):
    return request.param


# -- what the program sees of its environment ------------------------------------------------


def test_program_sees_the_same_environment_as_under_python(program, patch):
    path = program(TELL)
    arguments = ("one", "--two", "-m", "--no-patch", "--help")
    ours, plain = told(runner(*patch, path, *arguments)), told(python(path, *arguments))
    assert ours.pop("backend") == "zlinkcompat.backend" and plain.pop("backend") is None
    # For a script, runpy sets __package__ to "" while python itself sets it to None.
    assert not ours.pop("package") and not plain.pop("package")
    assert ours == plain
    assert ours["argv"] == [str(path), *arguments] and ours["name"] == "__main__"


def test_a_program_with_a_relative_path(program, tmp_path):
    program(TELL)
    ours = told(runner("prog.py", cwd=tmp_path))
    assert ours["argv"] == ["prog.py"] and ours["path"] == str(tmp_path)


def test_module_sees_the_same_environment_as_under_python(program, tmp_path, patch):
    program("", "package/__init__.py")
    program(TELL, "package/tool.py")
    arguments = ("-m", "package.tool", "one", "--two", "-m")
    ours = told(runner(*patch, *arguments, cwd=tmp_path))
    plain = told(python(*arguments, cwd=tmp_path))
    ours.pop("backend"), plain.pop("backend")
    assert ours == plain
    assert ours["argv"][1:] == ["one", "--two", "-m"] and ours["path"] == str(tmp_path)


def test_a_package_runs_its_main(program, tmp_path):
    program("", "package/__init__.py")
    program(TELL, "package/__main__.py")
    assert told(runner("-m", "package", cwd=tmp_path))["package"] == "package"


def test_a_directory_with_a_main_runs(program, tmp_path):
    program(TELL, "folder/__main__.py")
    ours, plain = (
        told(python(*start, "folder", "x", cwd=tmp_path)) for start in (("-m", "zlinkcompat"), ())
    )
    assert ours["argv"] == plain["argv"] == ["folder", "x"]
    assert ours["main"] is plain["main"] is True


def test_program_imports_modules_of_its_folder(program):
    program("WORD = 'neighbour'", "beside.py")
    done = runner(program("from beside import WORD\nprint(WORD)"))
    assert done.stdout == "neighbour\n", done.stderr


def test_classes_of_the_program_can_be_pickled(program, patch):
    done = runner(
        *patch,
        program("""
        import pickle

        class Thing:
            pass

        print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)
    """),
    )
    assert done.stdout == "True\n", done.stderr


def test_functions_of_the_program_work_at_exit(program):
    """Functions that run at exit still find the names of ``__main__``."""
    done = runner(
        program("""
        import atexit
        WORD = "bye"

        @atexit.register
        def bye():
            print(WORD)
    """)
    )
    assert done.stdout == "bye\n", done.stderr


def test_children_inherit_the_backend(program):
    done = runner(
        program("""
        import subprocess, sys
        child = "import zmq; print(zmq.Context.mro()[1])"
        print(subprocess.check_output([sys.executable, "-c", child], text=True), end="")
    """)
    )
    assert done.stdout == "<class 'zlinkcompat._backend.context.Context'>\n", done.stderr


def test_multiprocessing_reimports_the_program(program, patch):
    done = runner(
        *patch,
        program("""
        import multiprocessing

        def work(number):
            print(number * number)

        if __name__ == "__main__":
            process = multiprocessing.get_context("spawn").Process(target=work, args=(7,))
            process.start()
            process.join()
    """),
    )
    assert done.stdout == "49\n", done.stderr


# -- patching --------------------------------------------------------------------------------

PATCHED = """
from gevent import monkey
import zmq, zmq.backend
print(monkey.is_module_patched("socket"), zmq.backend.Socket.__module__)
"""


def test_the_program_is_patched(program):
    assert runner(program(PATCHED)).stdout == "True zlinkcompat.backend\n"


def test_no_patch_keeps_the_standard_library(program):
    assert runner("--no-patch", program(PATCHED)).stdout == "False zlinkcompat.backend\n"


def test_threads_of_a_patched_program_exchange_messages(program):
    done = runner(
        program("""
        import threading, zmq
        context = zmq.Context.instance()

        def serve():
            with context.socket(zmq.REP) as rep:
                rep.bind("inproc://service")
                for _ in range(3):
                    rep.send(rep.recv().upper())

        thread = threading.Thread(target=serve)
        thread.start()
        with context.socket(zmq.REQ) as req:
            req.connect("inproc://service")
            for word in (b"a", b"b", b"c"):
                req.send(word)
                print(req.recv())
        thread.join()
        context.term()
    """)
    )
    assert done.stdout == "b'A'\nb'B'\nb'C'\n", done.stderr


def test_patched_program_does_not_warn(program):
    done = runner(program("import ssl, socket, threading, zmq\nprint('fine')"))
    assert (done.stdout, done.stderr) == ("fine\n", "")


# -- how the program ends ------------------------------------------------------------------


@pytest.mark.parametrize(
    "source, code",
    [
        ("", 0),
        ("import sys; sys.exit()", 0),
        ("import sys; sys.exit(3)", 3),
        ("raise SystemExit(True)", 1),
        ("import os; os._exit(5)", 5),
        ("raise SystemExit(None)", 0),
    ],
)
def test_exit_codes(program, patch, source, code):
    done = runner(*patch, program(source))
    assert done.returncode == code and done.stderr == ""


def test_exit_with_a_text(program, patch):
    done = runner(*patch, program("import sys; sys.exit('so long')"))
    assert (done.returncode, done.stderr) == (1, "so long\n")


RAISING = """
def inner():
    raise ValueError("the reason")

inner()
"""


def test_exception_prints_a_traceback_and_exits_with_1(program, patch):
    path = program(RAISING)
    done = runner(*patch, path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.endswith("ValueError: the reason\n")
    assert f'File "{path}", line 5, in <module>' in done.stderr
    assert f'File "{path}", line 3, in inner' in done.stderr


def test_traceback_has_only_frames_of_the_program(program, patch):
    """The traceback does not contain frames of the runner: it equals plain python's."""
    path = program(RAISING)
    assert runner(*patch, path).stderr == python(path).stderr


def test_traceback_has_only_frames_of_the_module(program, tmp_path):
    program(RAISING, "tool.py")
    done = runner("-m", "tool", cwd=tmp_path)
    assert done.returncode == 1 and "zlinkcompat" not in done.stderr


def test_a_syntax_error(program):
    path = program("this is no python\n")
    done = runner(path)
    assert done.returncode == 1 and "SyntaxError" in done.stderr and str(path) in done.stderr


@pytest.mark.parametrize(
    "source",
    [
        "import zmq\nprint('ready', flush=True)\nzmq.Context().socket(zmq.REP).recv()",
        "import zmq\nprint('ready', flush=True)\nzmq.Context().socket(zmq.REP).poll()",
        # The interrupt ends the sleep.
        "import time\nprint('ready', flush=True)\ntime.sleep(60)",
    ],
    ids=["recv", "poll", "sleep"],
)
def test_an_interrupt_ends_the_program(program, patch, source):
    code, errors = interrupt_when_ready("-m", "zlinkcompat", *patch, program(source))
    # As with plain python, the exit code says that the signal ended the program.
    assert code == -2
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_an_interrupt_can_be_caught(program, patch):
    code, _ = interrupt_when_ready(
        "-m",
        "zlinkcompat",
        *patch,
        program("""
        import sys, zmq
        with zmq.Context() as context, context.socket(zmq.REP) as sock:
            sock.bind("tcp://127.0.0.1:*")
            try:
                print("ready", flush=True)
                sock.recv()
            except KeyboardInterrupt:
                sys.exit(7)
    """),
    )
    assert code == 7


# -- the runner's command line -------------------------------------------------------------


def test_help(program):
    done = runner("run", "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(
        "usage: python -m zlinkcompat run [--no-patch] [--stats] (prog.py | -m module)"
    )
    assert "PYZMQ_BACKEND" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("--no-patch",), ("-m",), ("--nonsense", "prog.py")])
def test_a_bad_command_line(arguments):
    done = runner(*arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert "usage: python -m zlinkcompat" in done.stderr and "Traceback" not in done.stderr


def test_missing_file(patch):
    done = runner(*patch, "nowhere.py")
    assert done.returncode == 2 and "nowhere.py" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_module():
    done = runner("-m", "no_such_module_here")
    assert done.returncode == 1 and "No module named no_such_module_here" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_patch_after_the_program_is_passed_to_it(program):
    path = program(
        "import sys; from gevent import monkey\n"
        "print(sys.argv[1:], monkey.is_module_patched('socket'))"
    )
    assert runner(path, "--no-patch").stdout == "['--no-patch'] True\n"


def test_a_double_dash_ends_the_runners_options(program):
    path = program("import sys; print(sys.argv[1:])")
    assert runner("--", path, "--help").stdout == "['--help']\n"


# -- event loops ------------------------------------------------------------------------------

LOOP_OF_C = Path(__file__).parent / "processes" / "loop_of_c.py"


def test_uvloop_runs_sockets_that_are_made_in_it(patch):
    pytest.importorskip("uvloop")
    done = runner(*patch, LOOP_OF_C, "inside")
    assert (done.returncode, done.stdout) == (0, "b'x'\n"), done.stderr


def test_uvloop_with_sockets_of_the_hub_is_an_error():
    """A hub socket in uvloop's loop raises an error.

    The hub cannot run while this loop waits, so the program would hang otherwise.
    """
    pytest.importorskip("uvloop")
    done = runner(LOOP_OF_C, "before")
    assert done.returncode == 0, done.stderr
    assert "create the socket in a coroutine of the loop" in done.stdout


def test_uvloop_with_sockets_made_before_it_unpatched():
    pytest.importorskip("uvloop")
    done = runner("--no-patch", LOOP_OF_C, "before")
    assert (done.returncode, done.stdout) == (0, "b'x'\n"), done.stderr
