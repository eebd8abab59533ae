"""The card's `dataset_info`: features, rows and bytes of each configuration, as `push_to_hub` would write them.

Comes in: a card's text, and what was written. Goes out: the card's text with `dataset_info` in its front matter.
The Hub shows the sizes; and datasets 5.2 tells the caches of local folders of one name apart by this front matter
alone: without the sizes, `load_dataset` gives a folder's rows as they were before it was built anew, or another's.
"""

from collections.abc import Mapping
from typing import NamedTuple

from datasets import DatasetInfo, Features
from datasets.info import DatasetInfosDict
from datasets.splits import SplitDict, SplitInfo
from huggingface_hub import DatasetCard

from dataset_builder.parquet import Written


class Configuration(NamedTuple):
    """One configuration: its features, and what was written of each split; a split without a row is none."""

    features: Features
    splits: Mapping[str, Written]


def with_dataset_info(card: str, configurations: Mapping[str, Configuration]) -> str:
    """`card` with the sizes of those configurations; its text is untouched."""
    told = DatasetCard(card)
    infos = {name: _info(configuration) for name, configuration in configurations.items()}
    DatasetInfosDict(infos).to_dataset_card_data(told.data)
    return str(told)


def _info(configuration: Configuration) -> DatasetInfo:
    there = {name: written for name, written in configuration.splits.items() if written.rows}
    splits = {
        name: SplitInfo(name=name, num_bytes=written.bytes, num_examples=written.rows)
        for name, written in there.items()
    }
    return DatasetInfo(
        features=configuration.features,
        splits=SplitDict(splits),
        dataset_size=sum(written.bytes for written in there.values()),
        download_size=sum(written.file_bytes for written in there.values()),
    )
