"""Hypothesis for all tests: the same examples every time under CI, fresh ones at a desk; bounded, and never timed."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("desk", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("desk"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
