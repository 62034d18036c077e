"""The tests of tests/services, against the monolith."""

from tests.services.test_bad_requests import *  # noqa: F403
from tests.services.test_behaviour import *  # noqa: F403
