"""The broker: how it is run, and who may do what in it."""
