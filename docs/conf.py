"""The documentation site: ``tox -e docs``."""

from urllib.request import urlopen

import zlinkcompat
import zlinkcompat.asyncio
from zlinkcompat.version import VERSION

project = "zlinkcompat"
author = "the zlinkcompat developers"
copyright = f"2026, {author}"
version = release = VERSION

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.graphviz",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_fence_as_directive = ["graphviz"]
myst_heading_anchors = 3
copybutton_exclude = ".linenos, .gp, .go"
graphviz_output_format = "svg"
exclude_patterns = ["_build"]

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
numpydoc_show_class_members = False
# Parameters: all of them, no others, in order, with types. Sections: in order. What a result is.
numpydoc_validation_checks = {"GL06", "GL07", "GL08", "PR01", "PR02", "PR03", "PR04", "RT03"}


def borrowed():
    """Methods that are pyzmq's own, with its docstrings."""
    for module in (zlinkcompat, zlinkcompat.asyncio):
        for kind in (module.Context, module.Socket, module.Frame, module.Poller):
            for name in dir(kind):
                thing = getattr(kind, name)
                if str(getattr(getattr(thing, "fget", thing), "__module__", "")).startswith("zmq."):
                    yield rf"\.{name}$"


# Of a class whose __init__ is compiled, Python knows no signature. The fields of records are
# documented as attributes.
numpydoc_validation_exclude = {
    r"\.Frame$",
    r"\.((Peer|Process|Socket)Record|MonitorEvent)$",
    *borrowed(),
}
# Types in docstrings are words for people, with units, not only names of classes.
numpydoc_xref_param_type = False

SITES = {
    "python": "https://docs.python.org/3",
    "gevent": "https://www.gevent.org",
    "zmq": "https://pyzmq.readthedocs.io/en/latest",
}


def reached(site):
    try:
        with urlopen(f"{site}/objects.inv", timeout=5):
            return True
    except OSError:
        return False


# Without a network the site is built all the same, without its links to others.
intersphinx_mapping = {name: (site, None) for name, site in SITES.items() if reached(site)}

html_theme = "furo"
html_title = "zlinkcompat"
html_favicon = "_static/icon.svg"
html_static_path = ["_static"]
html_css_files = ["fit.css"]
html_js_files = ["tables.js"]
html_theme_options = {"navigation_with_keys": True}
