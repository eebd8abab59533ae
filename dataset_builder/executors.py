"""A build on many workers: `callsmith build --shard` as a step for datatrove's executors (local, Slurm, Ray, Jobs).

    pip install 'callsmith[datatrove]'

    from datatrove.executor import LocalPipelineExecutor
    from dataset_builder.executors import BuildShard, MergeShards

    told = ["--config", "run.yaml", "--output", "/shared/runs/large"]
    shards = LocalPipelineExecutor([BuildShard(told)], tasks=64, workers=8, logging_dir="/shared/runs/log/shards")
    LocalPipelineExecutor([MergeShards(told)], depends=shards, logging_dir="/shared/runs/log/merge").run()

`SlurmPipelineExecutor` and `RayPipelineExecutor` take the same two steps; OUTPUT and the logs must be in a folder that
all machines share. Each task is one shard, with a journal of its own (OUTPUT.shards/I-of-N.work), so no file has two
writers. A task that was killed goes on where it stood when it is started again; one that is done is not begun again.

Comes in: the options of `callsmith build`, as on its command line. Goes out: shards, and the merged dataset.
"""

from collections.abc import Sequence

from datatrove.data import DocumentsPipeline
from datatrove.pipeline.base import PipelineStep

from agent.cli import main


class BuildShard(PipelineStep):
    """Makes shard `rank + 1` of `world_size`; documents pass by untouched.

    Args:
        options: Those of `callsmith build`, without `--shard` and `--merge`.
    """

    name = "🔨 Build a shard"
    type = "callsmith"

    def __init__(self, options: Sequence[str]):
        super().__init__()
        self.options = [str(option) for option in options]

    def run(self, data: DocumentsPipeline = None, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        # A shard that is whole already, but was not noted as done, is made again of its journal: nobody is asked.
        _build([*self.options, "--shard", f"{rank + 1}/{world_size}", "--overwrite"])
        yield from data or ()


class MergeShards(PipelineStep):
    """Makes one dataset of all shards, in the first task; see `dataset_builder.merge`.

    Args:
        options: The same as those of the shards; `--overwrite` where a dataset may be replaced.
    """

    name = "🧩 Merge the shards"
    type = "callsmith"

    def __init__(self, options: Sequence[str]):
        super().__init__()
        self.options = [str(option) for option in options]

    def run(self, data: DocumentsPipeline = None, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        if rank == 0:
            _build([*self.options, "--merge"])
        yield from data or ()


def _build(options: list[str]) -> None:
    try:
        main(["build", *options])
    except SystemExit as ended:
        if ended.code:
            raise RuntimeError(f"callsmith build ended with exit code {ended.code}; the line above says why") from None
