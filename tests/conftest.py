"""Profiles of the property tests: some examples in `make test`, many in `make test-all`.

A test with its own number of examples is not lengthened by `make test-all`; one that needs more or fewer
than others takes a part of `settings.default.max_examples`. A machine that is shared is slow at times, so no
example has a deadline.

The shell of all tests finds `anh`, as with an activated environment: so commands are printed by that name.
"""

import os
import sys
from pathlib import Path

from hypothesis import settings

os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"

settings.register_profile("quick", deadline=None, max_examples=25)
settings.register_profile("long", deadline=None, max_examples=1_000)
settings.load_profile("quick")
