"""Constrained decoding of a model with random weights: how many of so many calls parse as they stand and validate.

    OMP_NUM_THREADS=1 python tests/bench/constrained.py [--calls 1000] [--json]

Also what holding to a grammar costs, as processor time per token beside free decoding of the same model.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent.models import Sampling, load_model
from tests.agent.constrain.random_model import TOOLS, faults, random_model

BATCH = 50


def measure(calls: int) -> dict[str, float]:
    """Sample until there are `calls` calls; how many were good, and processor time per token, held and free."""
    with tempfile.TemporaryDirectory() as folder:
        model = load_model(random_model(Path(folder) / "model"))
        seen = bad = seed = held_tokens = 0
        started = time.process_time()
        while seen < calls:
            seed += 1
            sampling = Sampling(max_new_tokens=96, temperature=1.0, seed=seed, tool_choice="required", constrained=True)
            asked = [([{"role": "user", "content": f"{seed} {row}"}], TOOLS) for row in range(BATCH)]
            for reply in model.generate_batch(asked, sampling, batch_size=BATCH):
                made = len(reply.message.get("tool_calls", []))
                seen += max(made, 1)
                bad += bool(faults(reply, TOOLS)) or not made or reply.finish != "stop"
                held_tokens += reply.usage.completion_tokens
        held = time.process_time() - started
        started = time.process_time()
        free = model.generate_batch(asked, Sampling(max_new_tokens=96, temperature=1.0, seed=1), batch_size=BATCH)
        free_seconds = time.process_time() - started
    free_tokens = sum(reply.usage.completion_tokens for reply in free)
    return {
        "calls": seen,
        "bad replies": bad,
        "ms per token, held": 1000 * held / held_tokens,
        "ms per token, free": 1000 * free_seconds / free_tokens,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.calls)
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for name, value in found.items():
        sys.stdout.write(f"{name:24}{value:10.3g}\n")
    sys.exit(1 if found["bad replies"] else 0)


if __name__ == "__main__":
    main()
