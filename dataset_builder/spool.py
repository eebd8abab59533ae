"""A spool: values that are written to a file one after the other and read from its beginning, as often as one likes.

Comes in: JSON values. Goes out: the same, in order. It stands where a list would, and takes no memory.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from agent.errors import UserError

Value = TypeVar("Value")


class Many(Protocol[Value]):
    """Values in order that can be counted, added to and gone through again: a list, or a `Spool`."""

    def append(self, value: Value, /) -> None: ...

    def __iter__(self) -> Iterator[Value]: ...

    def __len__(self) -> int: ...


class Spool(Generic[Value]):
    """Values in `file`, which is begun anew.

    Raises:
        UserError: the disk refuses.
    """

    def __init__(self, file: Path):
        self.file = file
        self._count = 0
        try:
            self._out = file.open("w", encoding="utf-8")
        except OSError as error:
            raise self._refused(error) from error

    def append(self, value: Value, /) -> None:
        try:
            self._out.write(json.dumps(value, ensure_ascii=False) + "\n")
        except OSError as error:
            raise self._refused(error) from error
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Value]:
        try:
            self._out.flush()
            with self.file.open(encoding="utf-8") as lines:
                for line in lines:
                    yield json.loads(line)
        except OSError as error:
            raise self._refused(error) from error

    def close(self) -> None:
        self._out.close()

    def remove(self) -> None:
        """Close and delete the file."""
        self._out.close()
        self.file.unlink(missing_ok=True)

    def _refused(self, error: OSError) -> UserError:
        mend = "free some room or choose another --output; what was answered is in the journal"
        return UserError(f"cannot be written: {error.strerror or error}", where=str(self.file), mend=mend)
