"""What lies before the people who annotate: a dataset's rows, and what the journal says of each.

Comes in: a dataset folder or a JSONL file, and decisions. Goes out: the next row to look at, how far the work is, and
each decision in the journal. The dataset itself is never changed. Knows nothing of the page.
"""

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.errors import UserError
from agent.messages import Message, Problem
from dataset_builder.annotate.edit import fields_of, problems_of
from dataset_builder.annotate.journal import Draft, Journal
from dataset_builder.annotate.standing import STATUSES, Kind, Standing, Status
from dataset_builder.rows import Row, read_rows
from dataset_builder.settings import named


@dataclass(frozen=True)
class Sheet:
    """One row and where it is from. `key` is its id and a digest, so that a changed row is a new one to look at."""

    key: str
    split: str
    row: Row


@dataclass(frozen=True)
class Seat:
    """One person at the page: who they are, the row before them, and the version of it that they see."""

    who: str
    key: str = ""
    version: int = 0
    turn: int = 0  # grows whenever the page must be drawn anew
    sheet: int = 0  # grows whenever its fields must be filled anew, which a plain save need not do

    @property
    def drawing(self) -> str:
        """Names the drawing of the page that this seat asks for."""
        return f"{self.key} {self.turn}"


class Desk:
    """The rows in `path` and their journal, which lies beside it as `NAME.annotations.sqlite`.

    Raises:
        UserError: There are no rows, one is broken, or the journal is not one.
    """

    def __init__(self, path: str | Path):
        self.path = named(Path(path))
        self.sheets = _sheets(self.path)
        self.by_key = {sheet.key: number for number, sheet in enumerate(self.sheets)}
        self.journal = Journal(self.path.with_name(f"{self.path.resolve().name}.annotations.sqlite"))

    def sheet(self, seat: Seat) -> Sheet:
        """The row before the person, as it is in the dataset."""
        return self.sheets[self.by_key[seat.key]]

    def messages(self, key: str, version: int | None = None) -> list[Message]:
        """The conversation as it stands (or stood at `version`): edited, or as it is in the dataset."""
        edited = self.journal.standing(key, version).messages
        return list(self.sheets[self.by_key[key]].row["messages"] if edited is None else edited)

    def counts(self) -> dict[Status, int]:
        found = Counter(self.status_of_all().values())
        return {status: found[status] for status in STATUSES}

    def status_of_all(self) -> dict[str, Status]:
        """Every row of this dataset, in order."""
        known = self.journal.statuses()
        return {sheet.key: known.get(sheet.key, "open") for sheet in self.sheets}

    # --- moving about ---------------------------------------------------------------------------------------------

    def sit(self, who: str) -> Seat:
        """A place for somebody who arrives: where they typed last and did not save, else the row that they held before
        or the next open one.
        """
        for key in self.journal.places_of(who):
            if key in self.by_key and self.journal.standing(key).status != "deleted":
                return self.go(Seat(who), self.by_key[key])
        return self.next_open(Seat(who))

    def next_open(self, seat: Seat) -> Seat:
        """The next row nobody has decided on and nobody else has before them; the same row where there is none.

        Who has no row yet and comes when all are held gets one that somebody else has before them.
        """
        statuses = self.status_of_all()
        start = self.by_key.get(seat.key, -1)
        order = [*self.sheets[start + 1 :], *self.sheets[: start + 1]]
        open_rows = [sheet.key for sheet in order if statuses[sheet.key] == "open"]
        key = self.journal.claim(open_rows, seat.who)
        return self.at(seat, key or seat.key or next(iter(open_rows), self.sheets[0].key))

    def step(self, seat: Seat, by: int, status: Status | None = None) -> Seat:
        """The next (`by=1`) or previous (`by=-1`) row, of those with `status` where it is given."""
        statuses = self.status_of_all()
        here = self.by_key.get(seat.key, 0)
        order = range(here + 1, len(self.sheets)) if by > 0 else range(here - 1, -1, -1)
        for number in order:
            if status is None or statuses[self.sheets[number].key] == status:
                return self.go(seat, number)
        return seat

    def go(self, seat: Seat, number: int) -> Seat:
        """The row with this number, counted from 0 and kept within the dataset, whoever else has it open."""
        key = self.sheets[max(0, min(number, len(self.sheets) - 1))].key
        if self.journal.holder(key) in (None, seat.who):
            self.journal.claim([key], seat.who)
        return self.at(seat, key)

    def at(self, seat: Seat, key: str) -> Seat:
        """The seat before this row, at its latest version."""
        version = self.journal.standing(key).version
        return replace(seat, key=key, version=version, turn=seat.turn + 1, sheet=seat.sheet + 1)

    def held_by_another(self, seat: Seat) -> bool:
        return self.journal.holder(seat.key) not in (None, seat.who)

    # --- deciding -------------------------------------------------------------------------------------------------

    def save(
        self, seat: Seat, messages: Sequence[Message], act: str = "", saved: Mapping[str, str] | None = None
    ) -> Seat:
        """Save an edited conversation; nothing is written where nothing changed. Raises ConflictError.

        Drafts of the row are done with; where `saved` is given, only those that say what it says of their field, as
        the others were typed since.
        """
        if list(messages) != self.messages(seat.key):
            return self._act(seat, "edit", {"messages": list(messages)}, act, saved)
        self.journal.drop_drafts(seat.key, seat.who, saved=saved)
        return self.at(seat, seat.key)

    def decide(self, seat: Seat, kind: Kind, reason: str = "") -> Seat:
        """Accept, reject or delete the row before the person; their drafts stay. Raises ConflictError."""
        return self._act(seat, kind, {"reason": reason} if reason else {}, saved={})

    def undo(self, seat: Seat) -> Seat | None:
        """Take back the person's latest action, wherever it was, or else the latest on the row before them."""
        key = self.journal.latest_of(seat.who, seat.key)
        if key is None or key not in self.by_key:
            return None
        at = self.go(seat, self.by_key[key])
        return self._act(at, "undo", {})

    def keep_draft(self, seat: Seat, field: str, text: str) -> bool:
        """Keep what was typed; nothing is kept, and False returned, where the field holds what is saved."""
        seat = self._caught_up(seat)
        saved = fields_of(self.messages(seat.key, seat.version)).get(field)
        if saved is None or text == str(saved):
            self.journal.drop_drafts(seat.key, seat.who, field)
            return False
        self.journal.keep_draft(seat.key, Draft(field, seat.version, text), seat.who)
        return True

    def _caught_up(self, seat: Seat) -> Seat:
        """The seat at the latest version, where that is the person's own save, whose answer their page still awaits."""
        latest = self.standing(seat).version
        if latest == seat.version or not self.journal.only_by(seat.who, seat.key, seat.version):
            return seat
        shapes = [fields_of(self.messages(seat.key, version)).keys() for version in (seat.version, latest)]
        return replace(seat, version=latest) if shapes[0] == shapes[1] else seat

    def drafts(self, seat: Seat) -> tuple[dict[str, str], list[Draft]]:
        """What the person typed and did not save: by field, and what no longer fits, as its field changed meanwhile."""
        now = fields_of(self.messages(seat.key, seat.version))
        fitting, others = {}, []
        for draft in self.journal.drafts(seat.key, seat.who):
            if (
                draft.field in now
                and fields_of(self.messages(seat.key, draft.version)).get(draft.field) == now[draft.field]
            ):
                if draft.text != str(now[draft.field]):
                    fitting[draft.field] = draft.text
            else:
                others.append(draft)
        return fitting, others

    def problems(self, seat: Seat, messages: Sequence[Message]) -> list[Problem]:
        return problems_of(messages, self.sheet(seat).row["tools"])

    def standing(self, seat: Seat) -> Standing:
        return self.journal.standing(seat.key)

    def _act(self, seat: Seat, kind: Kind, body: dict, act: str = "", saved: Mapping[str, str] | None = None) -> Seat:
        original = self.sheet(seat).row
        version = self.journal.append(
            seat.key, kind, body, who=seat.who, version=seat.version, original=original, act=act, saved=saved
        )
        return replace(seat, version=version, turn=seat.turn + 1, sheet=seat.sheet + 1)


def new_act() -> str:
    """A name for actions that belong together."""
    return uuid.uuid4().hex


def _sheets(path: Path) -> list[Sheet]:
    found = {file.name.split("-")[0] for file in path.glob("data/*.parquet")} if path.is_dir() else {"train"}
    splits = sorted(found, key=lambda split: (split != "train", split))
    if not splits:
        raise UserError("is not a dataset folder: it has no data/*.parquet", where=str(path))
    sheets: list[Sheet] = []
    seen: Counter[str] = Counter()
    for split in splits:
        for row in read_rows(path, split if path.is_dir() else None):
            text = json.dumps([row["messages"], row["tools"]], ensure_ascii=False, sort_keys=True)
            key = f"{row['id']}#{hashlib.sha256(text.encode()).hexdigest()[:12]}"
            seen[key] += 1
            sheets.append(Sheet(key if seen[key] == 1 else f"{key}#{seen[key]}", split, row))
    return sheets
