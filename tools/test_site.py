"""Check the built documentation site in a browser: run by ``tox -e docs`` after ``sphinx-build``.

Each page must fit the width of a desktop and of a phone window, and its tables that of the phone.
It must load without errors, and link only to pages and anchors that exist.
"""

from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from browser import SIZES, Tab, browser, fits

DOCS = Path(__file__).resolve().parents[1] / "docs"
SITE = DOCS / "_build"
PAGES = sorted(str(path.relative_to(DOCS).with_suffix("")) for path in DOCS.rglob("*.md"))


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    """Serve the site over HTTP: browsers do not let ``file:`` pages load each other."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE)) as server:
        Thread(target=server.serve_forever).start()
        yield "http://127.0.0.1:%d" % server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("site")) as devtools, Tab(devtools) as tab:
        yield tab


#: Opens what is folded, and counts the tables whose end is out of sight.
CUT_TABLES = """(() => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
    const tables = [...document.querySelectorAll(".table-wrapper")];
    return Promise.resolve(tables.filter(each => each.scrollWidth > each.clientWidth + 1).length);
})()"""


@pytest.mark.parametrize("page", PAGES)
def test_page_fits_desktop_and_phone(tab, address, page, tmp_path):
    tab.errors.clear()
    tab.load(f"{address}/{page}.html")
    fits(tab, f"site-{page.replace('/', '-')}", tmp_path, whole=True)
    assert not tab.errors
    tab.resize(SIZES["phone"], mobile=True)
    assert tab.wait_for(CUT_TABLES) == 0


class Names(HTMLParser):
    """The anchors of a page, and the targets of its links."""

    def __init__(self, text):
        super().__init__()
        self.names, self.links = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.names.add(attributes.get("id"))
        for name in "href", "src", "data":
            if attributes.get(name):
                self.links.add(attributes[name])


def test_links_resolve():
    pages = {path: Names(path.read_text()) for path in SITE.rglob("*.html")}
    assert len(pages) > len(PAGES)
    broken = set()
    for path, page in pages.items():
        for link in page.links:
            target, anchor = urldefrag(urljoin(path.as_uri(), link))
            if not target.startswith("file:"):
                continue
            target = Path(unquote(urlsplit(target).path))
            if not target.is_file() or (
                anchor and target in pages and unquote(anchor) not in pages[target].names
            ):
                broken.add((path.name, link))
    assert not broken
