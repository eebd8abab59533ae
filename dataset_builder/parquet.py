"""Rows as parquet: the explicit features of each kind of row, and files of them in shards as the Hub names them.

Comes in: rows. Goes out: `NAME-00000-of-00002.parquet` and so on. Knows nothing of folders, cards and checks.

Features are always explicit: inferred ones give every call the keys of every other call as nulls. Each message, tool
and meta value is encoded here, one by one, so that its exact JSON text is what is stored.
"""

import math
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet
from datasets import Dataset, Features, Json, List, Value

from dataset_builder.storage import encode

BATCH = 1000  # rows held as Arrow at a time while writing
SHARD = 50_000  # rows of a file: some 50 MB
SFT_FEATURES = Features(
    {
        "id": Value("string"),
        "messages": List(Json()),
        "tools": List(Json()),
        "scenario": Value("string"),
        "lang": Value("string"),
        "split_key": Value("string"),
        "quality": Json(),
        "provenance": Json(),
        "schema_version": Value("int32"),
    }
)
PREFERENCE_FEATURES = Features(
    {
        "id": Value("string"),
        "prompt": List(Json()),
        "chosen": List(Json()),
        "rejected": List(Json()),
        "tools": List(Json()),
        "provenance": Json(),
    }
)
# `row` is JSON text, not Json(): among what was rejected are the very values that Json() cannot hold.
REJECTED_FEATURES = Features({name: Value("string") for name in ("id", "stage", "reason", "row")})


class Written(NamedTuple):
    """How much was written: rows, their bytes as Arrow tables, and the bytes of the files."""

    rows: int
    bytes: int
    file_bytes: int


def write_shards(folder: Path, name: str, rows: Iterable[Mapping[str, Any]], count: int, features: Features) -> Written:
    """Write `count` rows as shards of at most `SHARD` rows into `folder`, made where it is missing; none for no row."""
    folder.mkdir(parents=True, exist_ok=True)
    source, shards = iter(rows), math.ceil(count / SHARD)
    size = file_size = 0
    for number in range(shards):
        file = folder / f"{name}-{number:05d}-of-{shards:05d}.parquet"
        size += write_parquet(file, islice(source, SHARD), features)
        file_size += file.stat().st_size
    return Written(count, size, file_size)


def write_parquet(file: Path, rows: Iterable[Mapping[str, Any]], features: Features) -> int:
    """Write rows as one parquet file with explicit `features`, a batch in memory at a time; their bytes as Arrow."""
    source, size = iter(rows), 0
    with pyarrow.parquet.ParquetWriter(file, features.arrow_schema) as writer:
        while batch := list(islice(source, BATCH)):
            encoded = [{field: _cell(row[field], features[field]) for field in features} for row in batch]
            table = Dataset.from_list(encoded, features=features).data.table
            writer.write_table(table)
            size += table.nbytes
    return size


def _cell(value: Any, feature: Any) -> Any:
    if isinstance(feature, Json):
        return encode(value)
    if isinstance(feature, List):
        return [encode(item) for item in value]
    return value
