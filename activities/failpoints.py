"""Places where a test can kill the process, to prove that nothing is done twice or lost.

`DUNNING_FAILPOINT=pay.after_call` ends the process the moment it gets there, as a power cut would.
Without that variable, or with a live Stripe key, nothing ever happens here.
"""

import os

KILLED = 137  # what a shell reports after SIGKILL
TEST_KEYS = ("sk_test_", "rk_test_")


def reached(name: str) -> None:
    """`name` is `{what}.{where}`: before_intent, after_intent, after_call or after_record."""
    if os.environ.get("DUNNING_FAILPOINT") != name:
        return
    if os.environ.get("STRIPE_API_KEY", "").startswith(TEST_KEYS):
        os._exit(KILLED)
