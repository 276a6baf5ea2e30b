"""The page that ``--report`` writes works in a real browser."""

from browser import Tab, browser, fits

from bench.show import page


def test_page_fits_a_desktop_and_a_phone(run, tmp_path):
    path = page.write(run, tmp_path / "report")
    with browser(tmp_path) as address, Tab(address) as tab:
        tab.load(path.as_uri())
        drawn = "Promise.resolve(document.querySelectorAll('figure svg').length)"
        assert tab.wait_for(drawn) >= 3
        fits(tab, "report", tmp_path)
        assert not tab.errors
