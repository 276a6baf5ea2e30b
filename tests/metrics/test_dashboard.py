"""The Grafana dashboard only uses metrics and labels that exist."""

import json
import re

import dashboard

from zlinkcompat.metrics.definitions import METRICS

BY_NAME = {metric.sample_name: metric for metric in METRICS}
#: Labels that Prometheus adds.
OF_PROMETHEUS = {"job", "instance"}


def names_in(text):
    return set(re.findall(r"\bzlinkcompat_\w+", text))


def test_every_metric_of_the_dashboard_exists():
    text = dashboard.PATH.read_text()
    assert names_in(text) - BY_NAME.keys() == set()
    assert len(names_in(text)) > 10


def test_every_label_of_the_dashboard_exists():
    for panel in dashboard.panels():
        for target in panel["targets"]:
            names = names_in(target["expr"])
            assert names
            labels = set.intersection(*(set(BY_NAME[name].labels) for name in names))
            used = set(re.findall(r'(\w+)(?:=~|!=|=)"', target["expr"]))
            for listed in re.findall(r"by \(([^)]*)\)", target["expr"]):
                used |= set(listed.split(", "))
            used |= set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert used <= labels | OF_PROMETHEUS, panel["title"]


def test_panels_have_titles_and_do_not_overlap():
    places = set()
    for panel in dashboard.panels():
        assert panel["title"] and panel["description"]
        where = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(where["x"], where["x"] + where["w"])
            for y in range(where["y"], where["y"] + where["h"])
        }
        assert not cells & places and max(x for x, _ in cells) < 24
        places |= cells
    ids = [panel["id"] for panel in dashboard.panels()]
    assert len(set(ids)) == len(ids)


def test_dashboard_has_no_data_source_of_one_installation():
    for found in re.findall(r'"uid": "([^"]*)"', dashboard.PATH.read_text()):
        assert found in ("${datasource}", json.loads(dashboard.PATH.read_text())["uid"])
