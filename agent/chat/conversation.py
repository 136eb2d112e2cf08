"""What was said, kept on the disk as a line of JSON for each message: in the product's folder or, before there is one, the workspace's."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from seewhy.prompts import text
from seewhy.prompts.legible import legible

Speaker: TypeAlias = Literal["user", "assistant"]
FILE = "conversation.jsonl"
SHOWN = 200  # messages that a page begins with
LONGEST = 4000  # characters of a message
_WRITING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `title` is what a tool's result is called, empty for words."""

    role: Speaker
    text: str
    title: str = ""
    by: str = ""
    at: str = ""


def remember(folder: Path, message: Message) -> None:
    """Add a message to a folder's conversation."""
    line = json.dumps(asdict(message) | {"at": datetime.now(UTC).isoformat(timespec="seconds")}, ensure_ascii=False)
    with _WRITING, (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def hand_on(folder: Path, to: Path, name: str, language: str) -> None:
    """Move what was said before there was a product to the product that was begun, and say how it goes on."""
    with _WRITING:
        if (folder / FILE).is_file():
            (folder / FILE).rename(to / FILE)
    remember(to, Message("assistant", text("talk.begun", language, name=legible(name))))


def remembered(folder: Path, most: int = SHOWN) -> list[Message]:
    """The last messages of a folder's conversation; lines that were cut off are left out."""
    path = folder / FILE
    lines = path.read_text("utf-8").splitlines()[-most:] if path.is_file() else []
    return [Message(**read) for line in lines if (read := _read(line)) is not None]


def _read(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and set(found) == set(Message.__dataclass_fields__) else None
