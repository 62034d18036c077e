"""Grafana's dashboards as code. Grafana itself comes as an image only."""
