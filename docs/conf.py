"""The documentation site: ``tox -e docs``."""

from urllib.request import urlopen

from zlinkcompat.version import VERSION

project = "zlinkcompat"
author = "the zlinkcompat developers"
copyright = f"2026, {author}"
version = release = VERSION

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinxcontrib.mermaid",
]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3
copybutton_exclude = ".linenos, .gp, .go"
exclude_patterns = ["_build"]

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
numpydoc_show_class_members = False
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
html_theme_options = {"navigation_with_keys": True}
