"""How `dunning demo` looks: a table that lives, or plain lines where there is no terminal."""

import html
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sandbox.effects import MailEffect
from starter.demo_stage import Play
from starter.status import words
from workflows.money import Money

COLOURS = {
    "gathering": "cyan",
    "deciding": "cyan",
    "awaiting_approval": "magenta",
    "waiting_to_retry": "yellow",
    "paying": "yellow",
    "awaiting_customer": "blue",
    "awaiting_csm": "magenta",
    "recovered": "green",
    "paid_elsewhere": "green",
}


class Screen:
    """Shows the stories while they unfold."""

    def __init__(self, console: Console, plays: Sequence[Play]) -> None:
        self._console = console
        self._plays = plays
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._told: dict[str, str] = {}
        self._began = time.monotonic()

    def __enter__(self) -> "Screen":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def update(self) -> None:
        if self._live:
            self._live.update(self._table(), refresh=True)
        else:
            self._lines()

    def _table(self) -> Table:
        over = sum(play.over for play in self._plays)
        table = Table(box=None, pad_edge=False, header_style="bold dim")
        table.caption = f"{over} of {len(self._plays)} stories told"
        table.caption_justify = "left"
        for heading in ("Account", "Amount", "Story", "State", "Next"):
            right = heading == "Amount"
            fixed = heading in ("Amount", "State", "Next")
            table.add_column(heading, no_wrap=fixed, justify="right" if right else "left")
        for play in self._plays:
            table.add_row(
                play.story.name, play.amount.plain, Text(play.story.shows, "dim"), _state(play),
                upcoming(play),
            )  # fmt: skip
        return table

    def _lines(self) -> None:
        """One line per change, for logs."""
        for play in self._plays:
            now = words(play.status.outcome or play.state) if play.status else "not started"
            if self._told.get(play.invoice, "not started") == now:
                continue
            self._told[play.invoice] = now
            seconds = time.monotonic() - self._began
            coming = upcoming(play)
            self._console.print(
                f"{seconds:5.1f}s  {play.story.name:<26} {now}{f', {coming}' if coming else ''}",
                soft_wrap=True,
            )


def _state(play: Play) -> Text:
    name = (play.status.outcome if play.status else None) or play.state
    mark = "✓ " if play.over else ""
    return Text(f"{mark}{words(name)}", COLOURS.get(name, "white"))


def upcoming(play: Play) -> str:
    """`charge again 15 Dec`: what comes next, in case time."""
    status = play.status
    if status is None or play.over or status.next_action_at is None:
        return ""
    what = {"schedule_retry": "charge again", "send_update_link": "mail the link"}.get(
        status.next_action or "", "look again"
    )
    return f"{what} {_day(status.next_action_at)}"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b}"


def curtain(console: Console, plays: Sequence[Play]) -> None:
    """The table at the end: outcome and money per account, and what came otherwise."""
    table = Table(box=None, pad_edge=False, header_style="bold dim")
    for heading in ("", "Account", "Outcome", "Collected", "Still open", "Charges", "Mails"):
        right = heading in ("Collected", "Still open", "Charges", "Mails")
        name = heading == "Account"  # the only one that may be broken
        table.add_column(heading, no_wrap=not name, justify="right" if right else "left")
    for play in plays:
        good = not play.differences()
        table.add_row(
            Text("✓", "green") if good else Text("✗", "bold red"),
            play.story.name,
            _state(play),
            _money(play, play.paid),
            _money(play, play.amount.amount - play.paid),
            str(play.charges),
            str(len(play.to_customer) + len(play.to_us)),
        )
    console.print()
    console.print(table)
    for play in plays:
        for difference in play.differences():
            console.print(f"[red]{play.story.name}: {difference}[/red]")


def _money(play: Play, amount: int) -> str:
    return Money(amount=amount, currency=play.amount.currency).plain if amount > 0 else ""


# ── the mails ───────────────────────────────────────────────────────────────────────────


def save_mails(folder: Path, mails: Sequence[MailEffect]) -> Path:
    """Each mail as an HTML file, and one page that shows them all. Answers that page."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{number:02d}.html" for number in range(1, len(mails) + 1)]
    for name, mail in zip(names, mails, strict=True):
        (folder / name).write_text(_as_html(mail), encoding="utf-8")
    index = folder / "index.html"
    index.write_text(_index(zip(names, mails, strict=True)), encoding="utf-8")
    return index


def _as_html(mail: MailEffect) -> str:
    if mail.content_type == "html":
        return mail.body
    return f"<!doctype html><meta charset=utf-8><pre>{html.escape(mail.body)}</pre>"


def _index(mails: Iterable[tuple[str, MailEffect]]) -> str:
    sections = "\n".join(
        f"<section><h2>{html.escape(mail.subject)}</h2>"
        f"<p>to {html.escape(', '.join(mail.to))}, from {html.escape(mail.sender)} "
        f'(<a href="{name}">alone</a>)</p>'
        f'<iframe src="{name}" sandbox title="{html.escape(mail.subject)}"></iframe></section>'
        for name, mail in mails
    )
    return INDEX.replace("SECTIONS", sections)


INDEX = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Mails of the demo</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.5rem}h2{font-size:1.05rem;margin:0}section{margin:2.5rem 0}
p{margin:.2rem 0 .6rem;color:#666;font-size:.9rem}
iframe{width:100%;height:34rem;border:1px solid #ddd;border-radius:8px;background:#fff}
</style></head><body><h1>Every mail the demo sent</h1>
SECTIONS
</body></html>
"""
