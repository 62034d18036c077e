"""The tests. `python -m tests.run` runs all of them in stages; `pytest` alone runs the quick ones."""
