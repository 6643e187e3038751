"""Profiles of the property tests: some examples in `make test`, many in `make test-all`.

A test with its own number of examples is not lengthened by `make test-all`; one that needs more or fewer
than others takes a part of `settings.default.max_examples`. A machine that is shared is slow at times, so no
example has a deadline.
"""

from hypothesis import settings

settings.register_profile("quick", deadline=None, max_examples=50)
settings.register_profile("long", deadline=None, max_examples=1_000)
settings.load_profile("quick")
