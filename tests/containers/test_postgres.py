"""The shop's data in PostgreSQL, in containers."""

import requests

from labs.infra.docker import Containers


def test_a_service_finds_its_own_database_ready(containers, tmp_path, monkeypatch):
    assert containers.state()  # an engine answers, and the image is built
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    kept = Containers(databases="postgresql")
    try:
        kept.up("inventory-api")
        assert requests.get(f"http://{kept.address('inventory-service')}/products", timeout=10).json()["items"] == []
        assert {name: kept.state()[name] for name in ("postgres", "postgres-setup", "inventory-migrate")} == {
            "postgres": "running",
            "postgres-setup": "done",
            "inventory-migrate": "done",
        }
        assert "Databases: inventory, " in kept.log("postgres-setup")
    finally:
        kept.down(volumes=True)
