"""What notebooks import: start a system, put code into it, load it, break it, look at it, check an exercise."""

import os

os.environ.setdefault(
    "EVENTLET_TESTS", "1"
)  # eventlet's own switch for its deprecation warning; lab 06 says it in words

from labs.classroom.lab import Lab

__all__ = ["Lab"]
