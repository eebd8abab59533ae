"""What the framework itself costs, beside smolagents: import, and a step of an agent whose model answers at once.

    python tests/bench/overhead.py [--rounds 5] [--steps 20] [--json]

smolagents is installed into a temporary environment and measured there (skipped where it cannot be installed); the two
sides take turns, each measurement in a fresh process, and medians of processor time are compared. A step is one model
reply with one call and its result, in both: arguments are checked, the tool runs, the result goes back. smolagents runs
a tool where it stands; so does ours an async one (`step`), while a sync one runs in a thread, so that it can be given
up (`threaded_step`).
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CONVERSATIONS = 20  # in each process
SMOLAGENTS = "smolagents==1.26.0"


def step_ms(conversation: Callable[[], None], steps: int) -> float:
    """Milliseconds of a step, over conversations that each begin anew, after a first one that warms everything up."""
    conversation()
    begun = time.process_time()
    for _ in range(CONVERSATIONS):
        conversation()
    return 1000 * (time.process_time() - begun) / (CONVERSATIONS * steps)


def ours(steps: int) -> dict[str, float]:
    started = time.process_time()
    from agent.loop import Agent, Limits
    from agent.models import Reply, Usage
    from agent.tools import tool

    imported = time.process_time()

    @tool
    def add(a: int, b: int) -> int:
        """Add two numbers.

        Args:
            a: The first.
            b: The second.
        """
        return a + b

    @tool(name="add")
    async def add_at_once(a: int, b: int) -> int:
        """Add two numbers.

        Args:
            a: The first.
            b: The second.
        """
        return a + b

    class Instant:
        name = "instant"

        async def stream(self, messages: Any, tools: Any, sampling: Any) -> Any:
            made = sum(message["role"] == "tool" for message in messages)
            function = {"name": "add", "arguments": {"a": made, "b": 1}}
            call = {"id": "abcdefghi", "type": "function", "function": function}
            message = {"role": "assistant", "content": "", "tool_calls": [call]}
            yield Reply(message if made < steps else {"role": "assistant", "content": "Done."}, Usage(0, 0))

    def conversation(used: Any) -> None:
        run = Agent(Instant(), [used], limits=Limits(steps=steps + 1)).run([{"role": "user", "content": "Add."}])
        assert (run.reason, sum(message["role"] == "tool" for message in run.messages)) == ("answered", steps)

    return {
        "import_s": imported - started,
        "step_ms": step_ms(lambda: conversation(add_at_once), steps),
        "threaded_step_ms": step_ms(lambda: conversation(add), steps),
    }


def theirs(steps: int) -> dict[str, float]:
    started = time.process_time()
    import smolagents
    from smolagents.models import ChatMessage, ChatMessageToolCall, ChatMessageToolCallFunction, MessageRole
    from smolagents.monitoring import TokenUsage

    imported = time.process_time()

    @smolagents.tool
    def add(a: int, b: int) -> int:
        """Add two numbers.

        Args:
            a: The first.
            b: The second.
        """
        return a + b

    class Instant(smolagents.Model):
        made = 0

        def generate(self, messages: Any, **options: Any) -> Any:
            self.made += 1
            name, arguments = ("add", {"a": self.made, "b": 1})
            if self.made > steps:
                name, arguments = ("final_answer", {"answer": "Done."})
            function = ChatMessageToolCallFunction(name=name, arguments=arguments)
            call = ChatMessageToolCall(id=str(self.made), type="function", function=function)
            return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=[call], token_usage=TokenUsage(0, 0))

    agent = smolagents.ToolCallingAgent(
        tools=[add], model=Instant(), max_steps=steps + 2, verbosity_level=smolagents.LogLevel.OFF
    )

    def conversation() -> None:
        agent.model.made = 0
        assert agent.run("Add.", reset=True) == "Done."

    return {"import_s": imported - started, "step_ms": step_ms(conversation, steps)}


def measured(python: str, side: str, steps: int) -> dict[str, float]:
    command = [python, str(Path(__file__).resolve()), "--side", side, "--steps", str(steps)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise SystemExit(f"{side} failed: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def with_smolagents(folder: str) -> str:
    """The Python of a new environment in `folder` that has smolagents; "" where it cannot be had, as offline."""
    python = str(Path(folder) / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", SMOLAGENTS]
    try:
        venv.create(folder, with_pip=True)
        subprocess.run(install, check=True, timeout=600, capture_output=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return ""
    return python


def compared(rounds: int, steps: int) -> dict[str, float]:
    """Medians of both sides and their ratios; nothing where there is no smolagents to compare with."""
    with tempfile.TemporaryDirectory() as folder:
        python = with_smolagents(folder)
        if not python:
            return {}
        sides: dict[str, list[dict[str, float]]] = {"ours": [], "theirs": []}
        for number in range(rounds + 1):
            for side, interpreter in (("ours", sys.executable), ("theirs", python)):
                found = measured(interpreter, side, steps)
                if number:  # the first round compiles and fills caches
                    sides[side].append(found)
    result: dict[str, float] = {}
    for what, beside in (("import_s", "import_s"), ("step_ms", "step_ms"), ("threaded_step_ms", "step_ms")):
        mine = statistics.median(one[what] for one in sides["ours"])
        other = statistics.median(one[beside] for one in sides["theirs"])
        result |= {f"{what}_ours": round(mine, 4), f"{what}_smolagents": round(other, 4)}
        result[f"{what}_ratio"] = round(mine / other, 3)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--side", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        sys.path.insert(0, str(ROOT))
        print(json.dumps({"ours": ours, "theirs": theirs}[options.side](options.steps)))
        return
    found = compared(options.rounds, options.steps)
    if not found:
        print(f"skipped: {SMOLAGENTS} cannot be installed here", file=sys.stderr)
    lines = [json.dumps(found)] if options.json else [f"{name}: {value}" for name, value in found.items()]
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
