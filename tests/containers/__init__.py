"""The same in containers: `make test-docker`. Needs a Docker engine."""
