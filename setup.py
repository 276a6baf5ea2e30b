"""Compile the modules and adapt README for PyPI; setup.cfg has all declarative settings."""

import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from setuptools import Extension, setup
from setuptools._distutils import ccompiler
from setuptools._distutils.sysconfig import customize_compiler
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.modified import newer_group

#: The user asks for the pure-Python fallback: a wheel for any platform.
PURE = os.environ.get("ZLINKCOMPAT_PURE") == "1"

#: For development and CI: a failed build is an error, and does not fall back to a slower library.
REQUIRED = os.environ.get("ZLINKCOMPAT_REQUIRE_EXTENSIONS") == "1"

#: The interpreter's flags ask for debug symbols, which are five times as large as the code; -g0
#: leaves them out. Builds that search for errors keep the assertions.
FLAGS = os.environ.get("ZLINKCOMPAT_CFLAGS", "-O3 -g0 -DCYTHON_WITHOUT_ASSERTIONS").split()

FLAGS += ["-include", str(Path("zlinkcompat/_runtime/traceback_path.h").absolute())]

#: Modules that work when a connection, socket or context begins or ends, and not for each message.
#: They are compiled at -O1, in half the time.
NOT_ON_THE_MESSAGE_PATH = {
    f"zlinkcompat.{name}"
    for name in [
        "_backend.context", "_runtime.counters", "_runtime.stacks", "core.monitor", "core.peers",
        "core.thread_check", "engine.connecter", "engine.contention", "engine.handshake_driver",
        "engine.interrupts", "engine.lifecycle", "engine.listener", "engine.session",
        "routing.counts", "transports.sockets", "tuning", "wire.zmtp.legacy",
    ]
}  # fmt: skip

#: The URL of the source, ``https://github.com/OWNER/NAME``, which the release workflow sets.
REPOSITORY = os.environ.get("ZLINKCOMPAT_REPOSITORY")

DIRECTIVES = {
    "language_level": 3,
    # Bounds and None are checked, so that an error raises as in the pure build and never crashes.
    "boundscheck": True,
    "wraparound": True,
    "nonecheck": True,
    "initializedcheck": False,
    "cdivision": True,
    "annotation_typing": False,
    # Nothing pickles what is compiled: the code for it took a fifth of the compiler's time.
    "auto_pickle": False,
    "binding": False,
    "embedsignature": True,
    # Signatures as text that inspect.signature reads: functions with a binding are slower to call.
    "embedsignature.format": "clinic",
}

#: CPU seconds for one module, translation and compilation; measured in November 2026.
SECONDS_PER_MODULE = 2

NOT_COMPILED = """\
zlinkcompat: NOT COMPILED: {reason}
zlinkcompat: The install goes on with the pure-Python fallback. It works, but it is many times
zlinkcompat: slower than the compiled build, and slower than pyzmq.
zlinkcompat: {fix}
zlinkcompat: The first Context of a program warns of it, unless ZLINKCOMPAT_PURE=1 is set."""

COMPILER_FIX = """\
To compile it, install a C compiler and Python's headers (Debian: gcc python3-dev),
zlinkcompat: then install zlinkcompat again with --force-reinstall --no-cache-dir."""

WINDOWS = "on {name} the compiled modules are not supported (they need POSIX)"
WINDOWS_FIX = "On this platform pyzmq is the faster choice."


# -- messages for the user ---------------------------------------------------------------------


def tell(text):
    """Print to our own output and to the installer's, which would otherwise hide a build's output.

    An installer such as pip reads the output of a build from a pipe. It shows the output only if
    the build fails or the user asks for it (``-v``). A user should know about a slow library, and
    what a long build does. So we also write to the error output of the process that started us.
    """
    print(text, flush=True)
    for path in (f"/proc/{os.getppid()}/fd/2", "/dev/tty"):
        try:
            found = os.stat(path)
            # Skip regular files, in which the installer's next line would overwrite ours.
            if stat.S_ISREG(found.st_mode) or is_own_output(found):
                continue
            with open(path, "w") as output:
                output.write(f"\n{text}\n")
            return
        except OSError:
            continue  # it is a socket, there is no terminal, or this is not Linux


def is_own_output(found):
    return any(os.path.samestat(found, os.fstat(number)) for number in (1, 2))


def duration(seconds):
    """Describe an estimate: ``about 2 minutes``."""
    minutes = round(seconds / 60)
    if minutes == 0:
        return f"about {max(10, round(seconds, -1))} seconds"
    return f"about {minutes} minute" + "s" * (minutes > 1)


def cpus():
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


# -- metadata ----------------------------------------------------------------------------------


def readme(repository):
    """Return README for PyPI, where relative links into the checkout would be broken."""
    text = Path("README.md").read_text(encoding="utf-8")
    if not repository:
        return text
    text = re.sub(r"(!\[[^]]*\])\((?!\w+:)", rf"\1({repository}/raw/HEAD/", text)
    return re.sub(r"(?<!!)(\[[^]]*\])\((?!\w+:|#)", rf"\1({repository}/blob/HEAD/", text)


def links(repository):
    if not repository:
        return {}
    source = f"{repository}/blob/HEAD"
    return {
        "Source": repository,
        "Documentation": f"{source}/docs/index.md",
        "Changelog": f"{source}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


# -- the build -----------------------------------------------------------------------------------


def extensions():
    """Find the extensions by their ``.pxd`` or ``.pyx``, so that there is no list to maintain.

    A ``.pyx`` is compiled in place of the ``.py`` with the same name, its pure-Python fallback.
    Other modules are compiled from the ``.py`` itself. A ``.pxd`` without a source has only
    declarations.
    """
    found = []
    declared = [*Path("zlinkcompat").rglob("*.pxd"), *Path("zlinkcompat").rglob("*.pyx")]
    for stem in sorted({path.with_suffix("") for path in declared}):
        for source in (stem.with_suffix(".pyx"), stem.with_suffix(".py")):
            if source.exists():
                name = ".".join(stem.parts)
                found.append(Extension(name, [str(source)], extra_compile_args=flags(name)))
                break
    return found


def flags(name):
    """Return the compiler's flags for a module; flags that the user asked for are for all."""
    if name in NOT_ON_THE_MESSAGE_PATH and "ZLINKCOMPAT_CFLAGS" not in os.environ:
        return [*FLAGS, "-O1"]
    return FLAGS


def failure(command):
    """Run one command of the compiler; return the reason if it failed, else None."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line]
    told = (errors or lines[-1:] or [""])[0]
    return f"{command[0]} failed with exit code {done.returncode}" + f": {told}" * bool(told)


class BuildAllOrNothing(build_ext):
    """Compile all modules or, if that is not possible, none of them.

    It never compiles only some: a compiled module takes another module's types from its ``.pxd``,
    and could not be imported beside an uncompiled one.
    """

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or cpus()
        if self.editable_mode or self.inplace:
            # setuptools compiles an editable install in a temporary folder, so it would compile
            # everything each time. Use the folders of ``build_ext --inplace`` instead.
            base = self.get_finalized_command("build").build_base
            name = f"{self.plat_name}-{sys.implementation.cache_tag}"
            self.build_temp = os.path.join(base, f"temp.{name}")
            self.build_lib = os.path.join(base, f"lib.{name}")

    def run(self):
        if not self.extensions:
            return
        # Read this now: setuptools builds elsewhere first, and a failure leaves it changed.
        places = [".", self.build_lib] if self.inplace else [self.build_lib]
        begin = time.monotonic()
        self.remove_stale(places)
        changed = len(self.extensions) if self.force else sum(map(self.is_changed, self.extensions))
        try:
            self.probe()
            if changed:
                estimate = duration(changed * SECONDS_PER_MODULE / self.parallel)
                tell(
                    f"zlinkcompat: compiling {changed} modules on {self.parallel} CPUs, {estimate}"
                )
            self.translate()
            super().run()
        except Exception as error:
            if REQUIRED:
                raise
            self.discard(places)
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            tell(NOT_COMPILED.format(reason=reason, fix=COMPILER_FIX))
        else:
            if changed:
                tell(f"zlinkcompat: compiled in {time.monotonic() - begin:.0f} seconds")

    def probe(self):
        """Compile and link one line, so that a missing compiler is found at once."""
        compiler = ccompiler.new_compiler()
        customize_compiler(compiler)
        include = [f"-I{path}" for path in self.include_dirs]
        with tempfile.TemporaryDirectory() as folder:
            source, object_, library = (
                str(Path(folder, f"probe.{kind}")) for kind in ("c", "o", "so")
            )
            Path(source).write_text("#include <Python.h>\n")
            failed = failure(
                [*compiler.compiler_so, *include, "-c", source, "-o", object_]
            ) or failure([*compiler.linker_so, object_, "-o", library])
        if failed:
            raise RuntimeError(failed)

    def is_changed(self, extension):
        """Tell whether the source of a module is newer than its compiled file."""
        sources = [
            path
            for suffix in (".py", ".pyx", ".pxd", ".h")
            for source in extension.sources
            if (path := Path(source).with_suffix(suffix)).exists()
        ]
        built = Path(self.build_lib, self.get_ext_filename(extension.name))
        return newer_group(list(map(str, sources)), str(built))

    def translate(self):
        """Translate Cython to C. Cython is imported here, so that only a build needs it."""
        from Cython.Build import cythonize

        translated = cythonize(
            [Extension(each.name, each.sources) for each in self.extensions],
            build_dir="build/cython",
            compiler_directives=DIRECTIVES,
            force=self.force,
            nthreads=self.parallel,
            quiet=not self.verbose,
        )
        sources = {each.name: each.sources for each in translated}
        for extension in self.extensions:
            extension.sources = sources[extension.name]

    def remove_stale(self, places):
        """Remove extensions of modules that were renamed or deleted."""
        current = {self.get_ext_filename(each.name) for each in self.extensions}
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        for place in places:
            for path in Path(place, "zlinkcompat").rglob(f"*{suffix}"):
                if str(path.relative_to(place)) not in current:
                    path.unlink()

    def discard(self, places):
        """Remove compiled files, new and old, because Python would prefer them to the source."""
        for extension in self.extensions:
            for place in places:
                Path(place, self.get_ext_filename(extension.name)).unlink(missing_ok=True)
        # Without extensions, setuptools names the wheel for any platform.
        self.extensions = self.distribution.ext_modules = []


class BuildSources(build_py):
    """Copy the sources, the list of the compiled modules, and the benchmark."""

    def run(self):
        if self.editable_mode:
            super().run()
            return
        # Remove renamed or deleted sources of an earlier build, which would be packed as well.
        shutil.rmtree(Path(self.build_lib, "zlinkcompat-stubs"), ignore_errors=True)
        for path in Path(self.build_lib, "zlinkcompat").rglob("*.py*"):
            if path.is_file() and path.suffix in (".py", ".pyi", ".pyx", ".pxd"):
                path.unlink()
        super().run()
        self.write_names()
        self.copy_benchmark()

    def write_names(self):
        """Write the names of the compiled modules for ``debug.build_info()``."""
        names = "".join(f'    "{each.name}",\n' for each in extensions())
        Path(self.build_lib, "zlinkcompat", "_compiled_modules.py").write_text(
            f'"""The modules that a full build compiles, by setup.py."""\n\nNAMES = [\n{names}]\n'
        )

    def copy_benchmark(self):
        """Pack ``bench`` for ``zlinkcompat bench``, in a folder that other programs do not see."""
        for source in Path("bench").rglob("*.py"):
            target = Path(self.build_lib, "zlinkcompat", "_bench", source.relative_to("bench"))
            self.mkpath(str(target.parent))
            self.copy_file(str(source), str(target), preserve_mode=False)


class BuildApart(build):
    """Use a separate build folder for a build with its own flags, so that objects are not mixed."""

    def initialize_options(self):
        super().initialize_options()
        if "ZLINKCOMPAT_CFLAGS" in os.environ:
            self.build_base = "build/custom"

    def run(self):
        super().run()
        if os.name != "posix" and not PURE:
            reason = WINDOWS.format(name=sysconfig.get_platform())
            tell(NOT_COMPILED.format(reason=reason, fix=WINDOWS_FIX))


class NameByContent(bdist_wheel):
    """Name a wheel for any platform if its modules could not be compiled."""

    def run(self):
        if not self.skip_build:
            self.run_command("build")
            self.skip_build = True
            self.root_is_pure = not self.distribution.has_ext_modules()
        super().run()


# Cython's worker processes may import this file again.
if __name__ == "__main__":
    setup(
        long_description=readme(REPOSITORY),
        long_description_content_type="text/markdown",
        project_urls=links(REPOSITORY),
        ext_modules=[] if PURE or os.name != "posix" else extensions(),
        cmdclass={
            "bdist_wheel": NameByContent,
            "build": BuildApart,
            "build_ext": BuildAllOrNothing,
            "build_py": BuildSources,
        },
    )
