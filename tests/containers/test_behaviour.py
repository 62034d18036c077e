"""The tests of tests/services, against containers."""

from tests.services.test_bad_requests import *  # noqa: F403
from tests.services.test_behaviour import *  # noqa: F403
from tests.services.test_keeping import *  # noqa: F403
from tests.services.test_openapi import *  # noqa: F403
