"""The figures that the project states, measured in one run on one machine."""
