"""The name of a request: by it, a server tells one that is sent again from a new one."""

from __future__ import annotations

IDEMPOTENCY_KEY = "x-idempotency-key"
"""In the metadata of a call that creates an execution. The same key gives the same execution; servers that do not know
it ignore it.
"""
