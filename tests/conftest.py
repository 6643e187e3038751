"""Profiles of the property tests: some examples in `make test`, many in `make test-all`.

A machine that is shared is slow at times, so no example has a deadline.
"""

from hypothesis import settings

settings.register_profile("quick", deadline=None)
settings.register_profile("long", deadline=None, max_examples=1_000)
settings.load_profile("quick")
