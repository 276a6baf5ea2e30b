"""The site as people see it, after ``sphinx-build``: ``tox -e docs``.

Each page in a browser, on a desktop and on a phone; each link from page to page.
"""

from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from browser import Tab, browser, fits

HERE = Path(__file__).parent
SITE = HERE / "_build"
PAGES = sorted(path.stem for path in HERE.glob("*.md"))

SMALLEST = 10  # CSS pixels that a letter of a diagram is high, drawn with 11 or 12

#: Of each diagram the size of its smallest letters, as drawn.
LETTERS = """Promise.resolve([...document.querySelectorAll(".graphviz object")].map(drawn => {
    const svg = drawn.contentDocument.documentElement;
    const scale = drawn.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const sizes = [...svg.querySelectorAll("text")].map(text => text.getAttribute("font-size"));
    return scale * Math.min(...sizes.map(Number));
}))"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    """Of the site, served: a browser keeps files from each other."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE)) as server:
        Thread(target=server.serve_forever).start()
        yield "http://127.0.0.1:%d" % server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("site")) as devtools, Tab(devtools) as tab:
        yield tab


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_desktop_and_a_phone(tab, address, page, tmp_path):
    tab.errors.clear()
    tab.load(f"{address}/{page}.html")
    fits(tab, f"site-{page}", tmp_path, whole=True)
    letters = tab.wait_for(LETTERS)  # the window is a phone's now
    assert len(letters) == (HERE / f"{page}.md").read_text().count("```graphviz")
    assert all(size >= SMALLEST for size in letters), letters
    assert not tab.errors


class Names(HTMLParser):
    """What a page has to link to, and what it links to."""

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


def test_links_lead_somewhere():
    pages = {path: Names(path.read_text()) for path in SITE.rglob("*.html")}
    assert len(pages) > len(PAGES)
    broken = set()
    for path, page in pages.items():
        for link in page.links:
            target, anchor = urldefrag(urljoin(path.as_uri(), link))
            if not target.startswith("file:"):
                continue
            target = Path(unquote(urlsplit(target).path))
            if not target.is_file():
                broken.add((path.name, link))
            elif anchor and target in pages and unquote(anchor) not in pages[target].names:
                broken.add((path.name, link))
    assert not broken
