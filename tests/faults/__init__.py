"""Kills, crashes, full disks: what is slow or violent. `make test-faults` runs it."""
