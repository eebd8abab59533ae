"""A tool that finds passages in a folder of text files.

The folder is named by the environment variable CALLSMITH_KNOWLEDGE; its `.txt` and `.md` files are read, at any depth.
They are read anew when one of them has changed.
"""

import contextlib
import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.ranking import Ranking
from agent.tools import tool

ENDINGS = (".txt", ".md")
MAX_FILES = 10_000
MAX_FILE = 5_000_000  # bytes
PASSAGE = 600  # characters at most; a passage ends with its paragraph where it can
_NEEDED = "set CALLSMITH_KNOWLEDGE to a folder with .txt or .md files"


@dataclass(frozen=True)
class Passage:
    file: str
    line: int
    text: str


@tool(
    family="knowledge",
    zh={
        "description": "在资料文件夹里查找相关段落",
        "parameters": {"query": "要查的内容", "count": "最多返回几段（1 到 10）"},
    },
)
def search_knowledge(query: str, count: int = 3) -> dict[str, Any]:
    """Find passages on a subject in the folder of documents; each names its file and line.

    Args:
        query: what to look for
        count: how many passages at most, 1 to 10
    """
    folder = Path(os.environ.get("CALLSMITH_KNOWLEDGE", "")).expanduser()
    if not os.environ.get("CALLSMITH_KNOWLEDGE") or not folder.is_dir():
        raise ValueError(f"there are no documents to search: {_NEEDED}")
    passages, ranking = _indexed(folder, _state(folder))
    if not passages:
        raise ValueError(f"the folder of documents holds no text: {_NEEDED}")
    found = [passages[number] for number, _ in ranking.best(query, max(1, min(count, 10)))]
    return {"passages": [{"file": one.file, "line": one.line, "text": one.text} for one in found]}


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Every file with its time and size, by which a change is known. Links out of the folder are not followed."""
    root = folder.resolve()
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in ENDINGS and path.is_file() and path.resolve().is_relative_to(root):
            status = path.stat()
            if status.st_size <= MAX_FILE:
                found.append((str(path.relative_to(folder)), status.st_mtime_ns, status.st_size))
    return tuple(found[:MAX_FILES])


@functools.lru_cache(maxsize=4)
def _indexed(folder: Path, state: tuple[tuple[str, int, int], ...]) -> tuple[list[Passage], Ranking]:
    passages = [passage for name, _, _ in state for passage in split(name, _text(folder / name))]
    return passages, Ranking([f"{passage.file} {passage.text}" for passage in passages])


def _text(path: Path) -> str:
    """A file in UTF-8, else in GB 18030, in which Chinese files were written for long; "" where it cannot be read."""
    try:
        for encoding in ("utf-8-sig", "gb18030"):
            with contextlib.suppress(UnicodeDecodeError):
                return path.read_text(encoding)
        return path.read_text("utf-8", errors="replace")
    except OSError:  # gone since it was listed, or somebody else's
        return ""


def split(name: str, text: str) -> list[Passage]:
    """Cut a text into passages of at most `PASSAGE` characters: between paragraphs, else sentences, else anywhere."""
    passages: list[Passage] = []
    start, counted, line = 0, 0, 1
    while start < len(text):
        end = _end(text, start)
        piece = text[start:end]
        if piece.strip():
            first = start + len(piece) - len(piece.lstrip())
            line += text.count("\n", counted, first)
            counted = first
            passages.append(Passage(name, line, piece.strip()))
        start = end
    return passages


def _end(text: str, start: int) -> int:
    if len(text) - start <= PASSAGE:
        return len(text)
    window = text[start : start + PASSAGE]
    for boundary in (r"\n\s*\n", r"[。！？；]|[.!?]\s|\n"):
        ends = [match.end() for match in re.finditer(boundary, window) if match.end() > PASSAGE // 4]
        if ends:
            return start + ends[-1]
    return start + PASSAGE
