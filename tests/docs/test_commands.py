"""The commands of README and docs are valid.

Cheap commands are run. For other commands (an install, a whole suite, a measurement) the test
checks that everything that the command names exists. If a command's program is not in
``PROGRAMS``, the test fails, so no command is left unchecked.
"""

import argparse
import configparser
import json
import os
import re
import shlex
import subprocess
import sys
from itertools import chain, product

import pytest
from test_pages import OTHERS, PAGES, ROOT, blocks, inherited

import bench.options
from compat_tests.upstream.swapped import rewritten

SERVICE = """
import sys
import zmq
from zlinkcompat._backend.socket import Socket
assert issubclass(zmq.Socket, Socket), "another backend"
with zmq.Context() as context, context.socket(zmq.PAIR) as one:
    one.bind("inproc://here")
print("served", *sys.argv[1:])
"""

setup = configparser.ConfigParser(interpolation=None)
setup.read(ROOT / "setup.cfg")
EXTRAS = setup["options.extras_require"]
TOOLS = set(re.findall(r"^[\w-]+", EXTRAS["dev"], re.MULTILINE)) | {"pytest"}

tox = configparser.ConfigParser(interpolation=None, strict=False)
tox.read(ROOT / "tox.ini")


def commands(page):
    """Yield each command of a page, as ``(environment, words)``."""
    for block in blocks(page, "console"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            while words:
                end = words.index("&&") if "&&" in words else len(words)
                command, words = words[:end], words[end + 1 :]
                settings = {}
                while "=" in command[0]:
                    name, _, value = command.pop(0).partition("=")
                    settings[name] = value
                yield settings, command


#: All commands, without duplicates.
COMMANDS = {str(each): each for page in [*PAGES, *OTHERS] for each in commands(page)}.values()


def run(words, settings, folder):
    done = subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **inherited(), **settings},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def expand(name):
    """Return the names that ``name`` stands for in tox, such as py310 and py311 for py3{10,11}."""
    parts = re.split(r"\{([^}]*)\}", name)
    return (
        "".join(each)
        for each in product(
            *(part.split(",") if number % 2 else [part] for number, part in enumerate(parts))
        )
    )


def environments():
    names = (
        section.removeprefix("testenv:")
        for section in tox.sections()
        if section.startswith("testenv:")
    )
    return set(chain.from_iterable(map(expand, names)))


# -- one check for each program --------------------------------------------------------------


def python(words, settings, folder):
    if words[0] == "-c":
        assert run([sys.executable, *words], settings, folder)
    elif words[0] != "-m":
        if settings.get("PYZMQ_BACKEND"):
            assert run([sys.executable, *words], settings, folder) == "served\n"
        else:
            # service.py is a program of docs/start.md; test_pages.py runs it.
            assert words[0] == "service.py" or (ROOT / words[0]).is_file()
    else:
        MODULES[words[1]](words[2:], settings, folder)


def runner(words, settings, folder):
    if words[0] in ("doctor", "bench", "top", "--version"):
        return  # tests/surface/test_cli.py and tests/metrics/test_top.py run these
    own = ("run", "--no-patch", "--stats", "-m")
    arguments = [word for word in words if word not in own][1:]
    printed = run([sys.executable, "-m", "zlinkcompat", *words], settings, folder)
    assert printed == " ".join(["served", *arguments]) + "\n"


def bench_options(words, settings, folder):
    rest, _ = bench.options.program_of(words)
    bench.options.parser().parse_args(rest)


def suite(words, settings, folder):
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", type=int)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("paths", nargs="*")
    for path in parser.parse_args(words).paths:
        assert (ROOT / path).exists(), path


def module(name):
    def check(words, settings, folder):
        assert (ROOT / f"{name.replace('.', '/')}.py").is_file()

    return check


MODULES = {
    "bench": bench_options,
    "bench.publish": module("bench.publish"),
    "pytest": suite,
    "venv": lambda words, settings, folder: None,
    "zlinkcompat": runner,
}


def pip(words, settings, folder):
    assert words[0] == "install"
    for word in words[1:]:
        if not word.startswith("-"):
            name, extras = re.fullmatch(r"(\.|[\w-]+)(?:\[(.*)\])?", word).groups()
            assert name in (".", "zlinkcompat", *TOOLS, *SERVERS)
            if name in SERVERS:
                continue
            for extra in filter(None, (extras or "").split(",")):
                assert extra in EXTRAS, extra


def run_tox(words, settings, folder):
    parser = argparse.ArgumentParser()
    parser.add_argument("-e", default="lint")
    parser.add_argument("-l", action="store_true")
    parser.add_argument("-m", default="matrix")
    asked = parser.parse_args(words[: words.index("--")] if "--" in words else words)
    assert asked.e in environments()
    assert any(asked.m in tox[section].get("labels", "") for section in tox.sections())


def npm(words, settings, folder):
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefix", type=ROOT.joinpath)
    parser.add_argument("command", choices=["install", "run"])
    parser.add_argument("script", nargs="?", default="build")
    asked = parser.parse_intermixed_args(words)
    assert asked.script in json.loads((asked.prefix / "package.json").read_text())["scripts"]


def in_the_tree(words, settings, folder):
    assert os.access(ROOT / words[0], os.X_OK), words[0]


def tool(name):
    def check(words, settings, folder):
        assert name in TOOLS, f"{name} is not in the extra dev"

    return check


#: Servers of docs/deploy.md, which are not installed for the tests.
SERVERS = ("gunicorn", "uvicorn", "celery")


def server(words, settings, folder):
    """Check that docs/deploy.md has the file of the application that a server runs."""
    deployed = "\n".join(blocks(ROOT / "docs" / "deploy.md", "python"))
    for word in words:
        module, _, name = word.partition(":")
        if name:
            assert f"# {module}.py\n" in deployed and f"def {name}(" in deployed
    if "-A" in words:
        assert f"# {words[words.index('-A') + 1]}.py\n" in deployed


PROGRAMS = {
    **dict.fromkeys(SERVERS, server),
    "python": python,
    "python3": python,
    "zlinkcompat": runner,
    "npm": npm,
    "source": lambda words, settings, folder: None,  # the activate script of a new environment
    "pip": pip,
    "tox": run_tox,
    ".ci/run": lambda words, settings, folder: in_the_tree([".ci/run"], settings, folder),
    ".ci/sanitize": lambda words, settings, folder: in_the_tree([".ci/sanitize"], settings, folder),
    "openssl": lambda words, settings, folder: run(["openssl", *words], settings, folder),
    "pre-commit": tool("pre-commit"),
    "towncrier": tool("towncrier"),
    "sed": lambda words, settings, folder: run(["sed", *words], settings, folder),
}


@pytest.mark.parametrize(
    ("settings", "words"), COMMANDS, ids=[" ".join(words) for _, words in COMMANDS]
)
def test_command_in_the_docs_is_valid(settings, words, tmp_path):
    (tmp_path / "service.py").write_text(SERVICE)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "module.py").write_text(SERVICE)
    PROGRAMS[words[0].removeprefix(".venv/bin/")](words[1:], settings, tmp_path)


IMPORTS = """
import zmq
import zmq  # the library
import zmq.asyncio
import zmq.utils.monitor  # events
import zmq as z
import zmq.green as zmq
import zmqfoo
from zmq import Context
from zmq.auth.thread import ThreadAuthenticator
def late():
    import zmq
	import zmq.auth
    from zmq.utils import z85
"""


def test_commands_of_migrate_swap_every_import(tmp_path):
    program = tmp_path / "service.py"
    program.write_text(IMPORTS)
    for _, words in commands(ROOT / "docs" / "migrate.md"):
        if words[0] == "sed":
            run(words, {}, tmp_path)
    assert program.read_text() == rewritten(IMPORTS)
    assert not re.search(r"\bzmq(?!foo)\b(?<!as zmq)", program.read_text())
