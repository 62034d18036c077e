"""Examples made up by hypothesis, without its clock: a busy machine is slow, and that says nothing about what is tested. It is
imported where such tests are: elsewhere a pytest should not pay for the start of a library."""

from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
