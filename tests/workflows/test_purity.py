"""The workflow loads no vendor's SDK, and every step it names exists in the world."""

import subprocess
import sys

VENDORS = ("stripe", "hubspot", "msgraph", "azure", "litellm", "openai", "asyncpg", "starlette")


def test_importing_the_workflow_loads_no_vendor_sdk() -> None:
    code = (
        "import sys, workflows.recovery, workflows.policy, workflows.evidence\n"
        f"print([v for v in {VENDORS!r} if v in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
