"""Tells a person that a run has ended: by ntfy, as one message each, and never at the cost of the run."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.agent_clis.records import RunRecord

SERVER, TOPIC, TOKEN = "AGENT_RUNNER_NTFY_SERVER", "AGENT_RUNNER_NTFY_TOPIC", "AGENT_RUNNER_NTFY_TOKEN"
DEFAULT_SERVER = "https://ntfy.sh"

OFF, SENT = "off", "sent"

LIMIT = 10.0
"""Seconds."""
MAX_BODY = 3000
"""Characters; a longer body would become an attachment."""


@dataclass(frozen=True, slots=True)
class Notification:
    title: str
    body: str
    tag: str
    priority: str


def notification_of(record: RunRecord, run_folder: Path) -> Notification:
    """About a run that has ended."""
    if record.exit_code == 0:
        title = f"[{record.task}] {record.agent} — SUCCESS — {record.end_time}"
        return Notification(title, record.summary[:MAX_BODY], "white_check_mark", "default")
    said = record.error or record.last_message
    lines = [f"{record.classified_error}: {said}"[:MAX_BODY], f"run {record.run_id}", f"logs: {run_folder}"]
    return Notification(f"[{record.task}] {record.agent} — FAILED", "\n".join(lines), "x", "high")


async def notify(notification: Notification, environment: Mapping[str, str]) -> str:
    """Sends it where the environment says. Returns `sent`, `off`, or why it was not sent."""
    topic = environment.get(TOPIC, "").strip()
    if not topic:
        return OFF
    import httpx2

    server = environment.get(SERVER, "").strip() or DEFAULT_SERVER
    headers = {
        "Title": _header(notification.title),
        "Tags": notification.tag,
        "Priority": notification.priority,
        "Content-Type": "text/plain; charset=utf-8",
    }
    if token := environment.get(TOKEN, "").strip():
        headers["Authorization"] = f"Bearer {token}"
    try:
        async with httpx2.AsyncClient(timeout=LIMIT) as client:
            answer = await client.post(
                f"{server.rstrip('/')}/{topic}", content=notification.body.encode(), headers=headers
            )
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError) as error:
        return f"not sent to {server}: {str(error) or type(error).__name__}"
    return SENT if answer.is_success else f"not sent: {server} answered {answer.status_code}"


def _header(text: str) -> str:
    """As it is in ASCII, else as RFC 2047 says: other characters must not stand in a header."""
    text = " ".join(text.split())
    return text if text.isascii() else f"=?UTF-8?B?{b64encode(text.encode()).decode()}?="
