"""What the shop is watched with: what Prometheus scrapes, the rules by which it sums up and alerts, and their tests."""
