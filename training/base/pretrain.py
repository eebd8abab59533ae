"""Pretrain the embedded base model from nothing: `python -m training.base.pretrain --output runs/base --minutes 75`.

Comes in: a seed and a budget (minutes or tokens). Goes out: a folder with `checkpoint.pt` (written every few minutes;
the same command goes on from it), `log.jsonl` (loss, probes) and `sessions.json`; `python -m training.base.export`
makes the model folder of it at any time. One process, one device: bf16 on a GPU and on a CPU that multiplies in it.

Muon moves the matrices, AdamW the embeddings and norms; the rate is constant, then falls to zero over the last part of
the budget. Most documents are learned on the assistant's words alone, and next to nothing on what people ask: what
cannot be predicted adds noise. Words that could as well be others weigh less, too. The tokens that decide weigh more:
the first of a reply (fill a form, ask back or decline), and those with which names and values begin. `--start-from
MODEL_FOLDER` begins with an exported model's weights instead of random ones: a second stage, with a seed and a budget
of its own, which may be of more layers, heads or width.

Under `torchrun --nproc_per_node 2 -m training.base.pretrain ...` each process takes batches of its own and all take the
same step, by the mean of their gradients: on a CPU two processes of one thread beat one process of two.
"""

import argparse
import functools
import hashlib
import json
import os
import platform
import signal
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from agent.errors import UserError, exit_codes
from agent.models.pages import keep_pages
from training.base.attention import BLOCKS, documents
from training.base.batches import IGNORED, Batch
from training.base.corpus.document import HEARD
from training.base.corpus.mixture import Corpus
from training.base.feed import Feed, Wanted
from training.base.model import base_config, centre, even_out, exported, grow, random_model
from training.base.muon import Float32Muon
from training.base.probes import probe
from training.base.tokenizer import corpus_tokenizer
from training.data import fingerprint, load_rows
from training.run import write_json, write_whole

RECORD = "pretraining.json"  # of an exported model: how it came to be, in numbers
EARLIER = "earlier.json"  # that record of the model a run started from


@dataclass(frozen=True)
class Plan:
    """Everything that decides the weights, together with the budget. Tokens count padding, in units of one."""

    seed: int = 7
    hidden: int = 192
    layers: int = 6
    heads: int = 3
    head_dim: int = 64
    batch_tokens: int = 8192
    early_batch_tokens: int = 4096
    early_length: int = 256
    length: int = 512
    long_length: int = 1024
    early_tokens: int = 2_000_000  # rows of `early_length`, moving from copying to the full mixture
    long_from: float = 0.5  # share of the budget after which every `long_every`-th batch has rows of `long_length`
    long_every: int = 4
    learn_all: float = 0.02
    decision_weight: float = 4.0  # of the tokens that decide, the others having 1 or less
    muon_rate: float = 0.02
    adamw_rate: float = 3e-3
    weight_decay: float = 0.1  # of the matrices, at each step times the rate: 1 / (both) steps are what they remember
    warmup_steps: int = 60
    decay: float = 0.45  # share of the budget over which the rate falls to zero at its end
    rows_share: float = 0.4  # of the documents are the conversations of --rows, where some are given
    even_embeddings: float = 0.0  # how far those of --start-from are brought to one length beside their mean, 0 to 1
    centre_embeddings: float = 0.0  # share of the embeddings' mean that each step takes away

    def shape(self, step: int, tokens: int, progress: float) -> tuple[int, int]:
        """Rows and length of the batch of `step`."""
        if tokens < self.early_tokens:
            return self.early_batch_tokens // self.early_length, self.early_length
        length = self.long_length if progress >= self.long_from and step % self.long_every == 0 else self.length
        return self.batch_tokens // length, length

    def rate(self, step: int, progress: float) -> float:
        """The factor on both learning rates, 0 to 1."""
        return min(1.0, (step + 1) / self.warmup_steps, max(0.0, 1.0 - progress) / self.decay)


class Pretraining:
    """The state of a run: model, optimizers, how far it is; `step()` moves it on by one batch."""

    def __init__(
        self,
        plan: Plan,
        tokenizer: PreTrainedTokenizerFast,
        device: str,
        compiled: bool = False,
        rows: Sequence[Mapping[str, Any]] = (),
        budget: int | None = None,
        workers: int = 0,
    ) -> None:
        self.plan, self.tokenizer, self.device = plan, tokenizer, torch.device(device)
        self.corpus = Corpus(plan.seed, rows, plan.rows_share)
        self.budget, self.workers = budget, workers
        config = base_config(
            tokenizer, hidden=plan.hidden, layers=plan.layers, heads=plan.heads, head_dim=plan.head_dim
        )
        self.model: Qwen3ForCausalLM = random_model(config, plan.seed)
        self.model.to(self.device)  # type: ignore[arg-type]  # a device is what `to` takes
        if self.device.type == "cpu":
            keep_pages()
            self.model.set_attn_implementation(BLOCKS)
        if compiled:  # layer by layer: they share one graph per shape, so that a new shape costs seconds
            for layer in self.model.model.layers:
                layer.compile(dynamic=False)
        # As one graph, so that the logits are never written out in 32 bits.
        self._losses = torch.compile(token_losses, dynamic=True) if compiled else token_losses
        matrices = [p for name, p in self.model.named_parameters() if p.ndim == 2 and "embed" not in name]
        chosen = {id(p) for p in matrices}
        others = [p for p in self.model.parameters() if id(p) not in chosen]
        self.half = half_precision(self.device)
        muon = torch.optim.Muon if self.half else Float32Muon
        self.optimizers: list[torch.optim.Optimizer] = [
            muon(matrices, lr=plan.muon_rate, weight_decay=plan.weight_decay),
            torch.optim.AdamW(others, lr=plan.adamw_rate, betas=(0.9, 0.95), weight_decay=0.0),
        ]
        self.steps, self.tokens, self.learned_tokens, self.seconds = 0, 0, 0, 0.0
        self.progress = 0.0
        grouped = dist.is_initialized()
        self.rank, self.processes = (dist.get_rank(), dist.get_world_size()) if grouped else (0, 1)

    def step(self, progress: float) -> float:
        """Train on the next batch, `progress` being the spent share of the budget; mean loss of replies' tokens."""
        plan, self.progress = self.plan, progress
        batch = next(self._batches)
        inputs, targets = batch.inputs.to(self.device), batch.targets.to(self.device)
        factor = plan.rate(self.steps, progress)
        for optimizer, rate in zip(self.optimizers, (plan.muon_rate, plan.adamw_rate), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
        learned = targets != IGNORED  # the head is the dearest matrix: only learned tokens go through it
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            hidden = self.model.model(
                input_ids=inputs, attention_mask=self._documents(inputs), use_cache=False
            ).last_hidden_state
            losses = self._losses(self.model.lm_head, hidden[learned], targets[learned])
        weights = batch.weights.to(self.device)[learned]
        ((losses * weights).sum() / weights.sum()).backward()
        self._share_gradients()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if plan.centre_embeddings:
            centre(self.model.model.embed_tokens.weight, plan.centre_embeddings)
        self.steps += 1
        self.tokens += inputs.numel() * self.processes
        self.learned_tokens += int(learned.sum()) * self.processes
        return float(losses.detach()[weights > HEARD].mean())

    @functools.cached_property
    def _batches(self) -> Generator[Batch]:
        plan = self.plan
        feed = Feed(self.tokenizer, self.corpus, plan.learn_all, plan.decision_weight)
        return feed.serve(self._wanted(), self.workers)

    def close(self) -> None:
        """End the workers."""
        self._batches.close()

    def _wanted(self) -> Iterator[Wanted]:
        """The batches from here on. Their shapes depend on how far the run is, which a budget of tokens tells ahead."""
        steps, tokens = self.steps, self.tokens
        while True:
            progress = tokens / self.budget if self.budget else self.progress
            rows, length = self.plan.shape(steps, tokens, progress)
            stage = min(1.0, tokens / self.plan.early_tokens)
            yield Wanted(steps * self.processes + self.rank, rows, length, stage)
            steps, tokens = steps + 1, tokens + rows * length * self.processes

    def _documents(self, inputs: torch.Tensor) -> torch.Tensor:
        """What keeps the documents of a row apart, as the attention of the device takes it."""
        numbers = documents(inputs, self.tokenizer.pad_token_id)
        if self.device.type == "cpu":
            return numbers
        return (numbers.transpose(-1, -2) == numbers).tril()  # a mask, for `sdpa`

    def _share_gradients(self) -> None:
        """Every process gets the mean of all processes' gradients, in one message."""
        if self.processes == 1:
            return
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients]) / self.processes
        dist.all_reduce(flat)
        for gradient, part in zip(gradients, flat.split([one.numel() for one in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def probe(self, count: int) -> dict[str, float]:
        with torch.compiler.set_stance("force_eager"):  # every probe has a shape of its own
            return probe(self.model, self.tokenizer, self.plan.seed, count)

    def save(self, path: Path) -> None:
        """Write the whole state to `path`, through a temporary name."""
        state = {
            "plan": asdict(self.plan),
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "counts": (self.steps, self.tokens, self.learned_tokens, self.seconds),
        }
        temporary = path.with_suffix(".tmp")
        torch.save(state, temporary)
        os.replace(temporary, path)

    def load(self, path: Path) -> None:
        """Go on from `path`.

        Raises:
            UserError: it holds a model of another shape.
        """
        state = torch.load(path, map_location=self.device, weights_only=True)
        shape = ("hidden", "layers", "heads", "head_dim")
        if any(state["plan"][name] != getattr(self.plan, name) for name in shape):
            raise UserError(
                "holds a model of another shape", where=str(path), mend="give the same shape or another --output"
            )
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.steps, self.tokens, self.learned_tokens, self.seconds = state["counts"]

    def begin_with(self, folder: Path) -> str:
        """Take the weights of the exported model in `folder`; counts and optimizers begin anew.

        A smaller model is grown: its layers are spread, and what the new one has more at first changes nothing.
        Returns its record, as JSON text.

        Raises:
            UserError: there is no such model, or it has another shape.
        """
        with exported(folder) as earlier:
            grow(earlier, self.model)
            if self.plan.even_embeddings:
                even_out(self.model.model.embed_tokens.weight, self.plan.even_embeddings)
            return (folder / RECORD).read_text(encoding="utf-8")


def token_losses(head: torch.nn.Module, hidden: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The loss (tokens,) of every token, of what the last layer made of it (tokens, width) and the token after it."""
    return F.cross_entropy(head(hidden).float(), targets, reduction="none")


def half_precision(device: torch.device) -> bool:
    """Whether matrices are multiplied in bf16: on a GPU, and on a CPU that has the instructions for it."""
    return device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()


def run(args: argparse.Namespace) -> None:
    """Begin or go on with the run in `args.output`, to the end of its budget or to a SIGTERM; then save."""
    args.output.mkdir(parents=True, exist_ok=True)
    checkpoint = args.output / "checkpoint.pt"
    plan = Plan(**{name: getattr(args, name) for name in asdict(Plan())})
    rows = load_rows(args.rows, "train") if args.rows else ()
    training = Pretraining(plan, corpus_tokenizer(), args.device, args.compile, rows, args.tokens, args.workers)
    if checkpoint.exists():
        training.load(checkpoint)
    elif args.start_from:
        record = training.begin_with(args.start_from)
        (args.output / EARLIER).write_text(record, encoding="utf-8")
    first = training.rank == 0
    if first:
        forget_after(args.output / "log.jsonl", training.steps)
        _record_session(args.output / "sessions.json", args, plan, training)
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    log_file = args.output / "log.jsonl" if first else Path(os.devnull)
    with closing(training), log_file.open("a", encoding="utf-8") as file:
        bar = tqdm(total=args.tokens, initial=training.tokens, unit="tok", unit_scale=True, disable=not first)
        log = Log(file, training, bar)
        bar.mininterval = 5
        started = saved = probed = time.monotonic()
        before = training.seconds
        while (progress := agreed(training, 1.0 if stopped else spent(args, training))) < 1.0:
            loss = training.step(progress)
            now = time.monotonic()
            training.seconds = before + now - started
            log.step(loss, plan.rate(training.steps, progress), args.log_every)
            if not first:
                continue
            if now - probed > 60 * args.probe_minutes:
                log.probes(training.probe(args.probe_count))
                probed = now
            if now - saved > 60 * args.save_minutes:
                training.save(checkpoint)
                saved = now
        if first:
            training.save(checkpoint)
            if not stopped:
                log.probes(training.probe(args.probe_count))
        bar.close()


def forget_after(log: Path, step: int) -> None:
    """Drop the lines that a killed run wrote after its last checkpoint, that of `step`: those steps are taken again."""
    if not log.exists():
        return
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
    if kept != lines:
        write_whole(log, "".join(kept))


class Log:
    """Writes `log.jsonl`, one object a line, and moves the progress bar."""

    def __init__(self, file: TextIO, training: Pretraining, bar: "tqdm[Any]") -> None:
        self.file, self.training, self.bar = file, training, bar
        self.losses: list[float] = []

    def step(self, loss: float, rate: float, every: int) -> None:
        """Count a step; every `every` steps write down their mean loss."""
        self.losses.append(loss)
        self.bar.update(self.training.tokens - self.bar.n)
        if len(self.losses) >= every:
            mean = sum(self.losses) / len(self.losses)
            self.losses = []
            self.bar.set_postfix(loss=f"{mean:.3f}", rate=f"{rate:.2f}")
            self._write(loss=round(mean, 4), learned_tokens=self.training.learned_tokens)

    def probes(self, found: dict[str, float]) -> None:
        self._write(probes=found)
        self.bar.write(" ".join(f"{name} {share:.2f}" for name, share in found.items()))

    def _write(self, **entry: Any) -> None:
        at = {"step": self.training.steps, "tokens": self.training.tokens, "seconds": round(self.training.seconds, 1)}
        self.file.write(json.dumps({**at, **entry}) + "\n")
        self.file.flush()


def agreed(training: Pretraining, progress: float) -> float:
    """The first process' progress: clocks and signals differ, but all processes must take the same steps."""
    if training.processes == 1:
        return progress
    shared = torch.tensor([progress], dtype=torch.float64)
    dist.broadcast(shared, 0)
    return float(shared)


def spent(args: argparse.Namespace, training: Pretraining) -> float:
    """The share of the budget that is spent: of the tokens, or of the minutes."""
    return training.tokens / args.tokens if args.tokens else training.seconds / (60 * args.minutes)


def _record_session(path: Path, args: argparse.Namespace, plan: Plan, training: Pretraining) -> None:
    """Append what the model card needs to know about this session of the run (a run that was killed has several)."""
    import transformers

    session = {
        "from_tokens": training.tokens,
        "from_step": training.steps,
        "corpus": _corpus_fingerprint(),
        "rows": _rows_record(args.rows, training.corpus.rows) if args.rows else None,
        "plan": asdict(plan),
        "budget": {"tokens": args.tokens, "minutes": args.minutes},
        "precision": "bf16 autocast" if training.half else "fp32",
        "compiled": args.compile,
        "hardware": _hardware(training.device, training.processes),
        "processes": training.processes,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
    }
    sessions = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    write_json(path, [*sessions, session])


def _rows_record(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the conversations were, and how `callsmith build` was asked for them, where it made them."""
    made = Path(name) / "callsmith.json"
    settings = json.loads(made.read_text(encoding="utf-8"))["settings"] if made.is_file() else {}
    return {"count": len(rows), "fingerprint": fingerprint(rows), "settings": settings}


def _corpus_fingerprint() -> str:
    """Changes when the corpus generator's source does; a run that went on with another corpus shows it."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).with_name("corpus").rglob("*")):
        if file.suffix in (".py", ".yaml"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _hardware(device: torch.device, processes: int) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    shared = f"{processes} processes of " if processes > 1 else ""
    return f"CPU ({model}), {shared}{torch.get_num_threads()} thread(s)"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.base.pretrain",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="folder of the run; an unfinished one is gone on with"
    )
    parser.add_argument(
        "--rows", help="dataset of `callsmith build`; its train split becomes chats about forms, in no tool-call format"
    )
    parser.add_argument(
        "--start-from", type=Path, help="exported model folder whose weights to begin with; a smaller one is grown"
    )
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float, help="budget in minutes, those before a restart included")
    budget.add_argument("--tokens", type=int, help="budget in tokens (a run of the same seed then repeats exactly)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="default: %(default)s")
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile the model (needs a C++ compiler; about a quarter faster)"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=(os.cpu_count() or 1) - 1 if torch.cuda.is_available() else 0,
        help="processes that make batches ahead (default: on a GPU one less than there are cores, else none)",
    )
    parser.add_argument("--log-every", type=int, default=10, help="steps between entries of log.jsonl (default 10)")
    parser.add_argument("--probe-minutes", type=float, default=4, help="minutes between probes (default 4)")
    parser.add_argument("--probe-count", type=int, default=24, help="documents per probed task (default 24)")
    parser.add_argument("--save-minutes", type=float, default=3, help="minutes between checkpoints (default 3)")
    for name, value in asdict(Plan()).items():
        flag = "--" + name.replace("_", "-")
        parser.add_argument(flag, type=type(value), default=value, help=f"default {value}")
    return parser


if __name__ == "__main__":
    with exit_codes():
        given = arguments().parse_args()
        if "WORLD_SIZE" in os.environ:
            dist.init_process_group("gloo")
        run(given)
        if dist.is_initialized():
            dist.destroy_process_group()
