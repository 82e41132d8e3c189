"""The dashboard shows what ``/metrics`` tells: every name and label in it exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from ragqa.wiring import Services

DASHBOARD = Path("ops/grafana.json")


def _told(client: TestClient) -> dict[str, set[str]]:
    """Return the labels of each sample of ``/metrics`` after some use."""
    client.post("/v1/search", json={"query": "保修期", "collection": "demo"}).raise_for_status()
    client.post("/v1/ask", json={"question": "保修期多久？", "collection": "demo"})
    told: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            told.setdefault(sample.name, set()).update(sample.labels)
    return told


def test_every_query_of_the_dashboard_asks_for_what_metrics_tell(
    client: TestClient, demo: dict[str, Any]
) -> None:
    told = _told(client)
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len({panel["title"] for panel in panels}) == len(panels) >= 12
    for query in queries:
        names = set(re.findall(r"\bragqa_\w+", query))
        assert names
        assert names <= told.keys(), query
        known = set.union(*(told[name] for name in names))
        grouped = {label for by in re.findall(r"by \(([^)]*)\)", query) for label in by.split(", ")}
        chosen = {label for sets in re.findall(r"{([^}]*)}", query) for label in _labels(sets)}
        assert grouped | chosen <= known, query


def test_what_metrics_tell_is_on_the_dashboard(client: TestClient, demo: dict[str, Any]) -> None:
    text = DASHBOARD.read_text()
    ours = {name for name in _told(client) if name.startswith("ragqa_")}
    families = {re.sub(r"_(bucket|count|sum|created|total)$", "", name) for name in ours}
    assert len(families) >= 10
    assert {name for name in families if name not in text} == set()


def test_the_pool_tells_who_holds_a_connection(client: TestClient, services: Services) -> None:
    def told() -> dict[str, float]:
        return {
            sample.name + sample.labels.get("state", ""): sample.value
            for family in text_string_to_metric_families(client.get("/metrics").text)
            for sample in family.samples
            if sample.name.startswith("ragqa_pool")
        }

    with services.database.transaction(), services.database.transaction():
        during = told()
    assert during["ragqa_pool_connectionsbusy"] == 2
    assert during["ragqa_pool_connectionsidle"] >= 0
    assert during["ragqa_pool_waiting"] == 0


def test_the_route_that_the_dashboard_singles_out_is_told(
    client: TestClient, demo: dict[str, Any]
) -> None:
    _told(client)
    routes = set(re.findall(r'route=\\"([^"\\]+)', DASHBOARD.read_text()))
    assert routes == {"/search"}
    told = client.get("/metrics").text
    assert all(f'route="{route}"' in told for route in routes)


def _labels(selector: str) -> list[str]:
    return re.findall(r"(\w+)=~?", selector)
