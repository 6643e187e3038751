"""No role imports ray: it may not be installed, and it takes over the process that it is imported in."""

import subprocess
import sys

ROLES = ["sequencer", "follower", "accountant", "challenger", "devnet"]


def test_no_role_imports_ray() -> None:
    modules = ", ".join(f"anh_rollup.cli.{role}" for role in ROLES)
    said = f"import sys, {modules}; print('ray' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
