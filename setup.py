"""The compiled modules, and README with links for PyPI; everything declarative is in setup.cfg."""

import os
import re
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext

#: The uncompiled build is wanted: a wheel for any platform.
PURE = os.environ.get("ZLINKCOMPAT_PURE") == "1"

#: Development and CI: a build that fails must not quietly become a slow one.
REQUIRED = os.environ.get("ZLINKCOMPAT_REQUIRE_EXTENSIONS") == "1"

#: -g0: the interpreter's flags ask for debug symbols, five times the code's size. Assertions are
#: for builds that look for mistakes.
FLAGS = os.environ.get("ZLINKCOMPAT_CFLAGS", "-O3 -g0 -DCYTHON_WITHOUT_ASSERTIONS").split()

if os.name == "posix":
    FLAGS += ["-include", str(Path("zlinkcompat/_runtime/traceback_path.h").absolute())]

#: Where the source is published, ``https://github.com/OWNER/NAME``: a release tells.
REPOSITORY = os.environ.get("ZLINKCOMPAT_REPOSITORY")

DIRECTIVES = {
    "language_level": 3,
    # Bounds and None are checked: a mistake is to raise, as in the pure build, not to crash.
    "boundscheck": True,
    "wraparound": True,
    "nonecheck": True,
    "initializedcheck": False,
    "cdivision": True,
    "annotation_typing": False,
    "binding": False,
    "embedsignature": True,
    # As text that inspect.signature reads: functions with a binding are slower to call.
    "embedsignature.format": "clinic",
}


def readme(repository):
    """README as PyPI shows it: a link into the checkout leads nowhere there."""
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


def extensions():
    """The extensions, found by their ``.pxd`` or ``.pyx``, so that there is no list to forget.

    A Cython module (``.pyx``) goes before its pure-Python fallback of the same name. A hot module
    is compiled from the ``.py`` itself. A ``.pxd`` without a source only declares and is not built.
    """
    found = []
    declared = [*Path("zlinkcompat").rglob("*.pxd"), *Path("zlinkcompat").rglob("*.pyx")]
    for stem in sorted({path.with_suffix("") for path in declared}):
        for source in (stem.with_suffix(".pyx"), stem.with_suffix(".py")):
            if source.exists():
                name = ".".join(stem.parts)
                found.append(Extension(name, [str(source)], extra_compile_args=FLAGS))
                break
    return found


class BuildAllOrNothing(build_ext):
    """Compiles all modules or, where that is not possible, leaves all of them uncompiled.

    Never some: a compiled module takes the types of another from its ``.pxd``, and could not be
    imported beside a pure one.
    """

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def run(self):
        # Read now: setuptools builds elsewhere first, and a failure leaves the attribute changed.
        places = [".", self.build_lib] if self.inplace else [self.build_lib]
        try:
            self.translate()
            super().run()
        except Exception as error:
            if REQUIRED:
                raise
            self.discard(places)
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            print(f"zlinkcompat: not compiled, runs slower from pure Python source ({reason})")

    def translate(self):
        """Cython to C; here and not at import, so that only a build needs Cython."""
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

    def discard(self, places):
        """Remove what was built, now or earlier: Python would take it before the source."""
        for extension in self.extensions:
            for place in places:
                Path(place, self.get_ext_filename(extension.name)).unlink(missing_ok=True)
        self.extensions = []


class BuildApart(build):
    """With flags of its own a build goes to its own folder, where no other finds its objects."""

    def initialize_options(self):
        super().initialize_options()
        if "ZLINKCOMPAT_CFLAGS" in os.environ:
            self.build_base = "build/custom"


# Cython's worker processes may import this file again.
if __name__ == "__main__":
    setup(
        long_description=readme(REPOSITORY),
        long_description_content_type="text/markdown",
        project_urls=links(REPOSITORY),
        ext_modules=[] if PURE else extensions(),
        cmdclass={"build": BuildApart, "build_ext": BuildAllOrNothing},
    )
