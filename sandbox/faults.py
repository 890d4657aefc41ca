"""What goes wrong on purpose: seeded, per vendor and route, once or with a probability."""

import random
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Vendor = Literal["stripe", "hubspot", "graph", "model"]
FaultKind = Literal[
    "latency",  # the answer takes `seconds`; for Stripe the key is in flight meanwhile
    "rate_limit",  # 429, Retry-After `seconds`
    "error_before",  # 500, nothing happened, nothing stored
    "error_stored",  # 500, nothing happened; Stripe replays it for that key
    "error_after",  # 500 although it happened; Stripe replays it for that key
    "cut_before",  # the connection dies, nothing happened
    "cut_after",  # it happened, then the connection dies
    "refuse_credentials",  # 401 whatever the credentials
]
VENDORS: tuple[Vendor, ...] = get_args(Vendor)


class Fault(BaseModel):
    """One thing that goes wrong.

    `route` is a shell pattern over "METHOD /path", e.g. "POST /v1/invoices/*/pay".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    vendor: Vendor | None = None
    """None means every vendor."""
    route: str = "*"
    probability: float = Field(default=1.0, ge=0, le=1)
    times: int | None = Field(default=None, ge=1)
    """None means until it is taken away; 1 is a one-shot."""
    seconds: float = Field(default=1.0, ge=0)
    policy: str = "TEN_SECONDLY_ROLLING"
    """HubSpot's name for the limit that was reached."""

    def concerns(self, vendor: Vendor, route: str) -> bool:
        return self.vendor in (None, vendor) and fnmatchcase(route, self.route)


class Faults:
    """The faults that are armed now. The first one that fires wins."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._armed: list[tuple[Fault, int | None]] = []

    def arm(self, faults: Iterable[Fault], seed: int | None = None) -> None:
        """Replace what is armed."""
        self._armed = [(fault, fault.times) for fault in faults]
        if seed is not None:
            self._random.seed(seed)

    def draw(self, vendor: Vendor, route: str) -> Fault | None:
        for index, (fault, left) in enumerate(self._armed):
            if not fault.concerns(vendor, route):
                continue
            if fault.probability < 1 and self._random.random() >= fault.probability:
                continue
            if left is not None:
                if left == 1:
                    del self._armed[index]
                else:
                    self._armed[index] = (fault, left - 1)
            return fault
        return None
