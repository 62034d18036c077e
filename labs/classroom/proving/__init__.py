"""Tests of services as they are in a lab, run beside their code: pytest, pacts, and each service alone with a database of its
own.

All but `commits` is copied into the lab's own code, as labs.services.tests, and runs there. The tests of the shop's own pacts
use `pacts` where it lies."""
