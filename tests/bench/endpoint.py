"""Throughput of the paced client against an endpoint on loopback that takes a second for each answer.

    OMP_NUM_THREADS=1 python tests/bench/endpoint.py [--seconds 20] [--concurrency 256] [--refused 0 0.05] [--json]

The endpoint is another process that streams one short answer after `--latency` seconds and refuses a share of the
requests with 429 and Retry-After. Told are replies a second once the pace has risen, as a share of concurrency /
latency (what no client can pass), and the processor time of a reply on the client's side, which bounds it too: where
that is 5 ms, a busy machine cannot do 256 a second on one core.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import time
from multiprocessing.connection import Connection
from typing import Any

from agent.models import Sampling, complete
from agent.models.endpoint import EndpointModel
from dataset_builder.pace import PacedModel

ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    b'data: {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [{"index": 0, '
    b'"delta": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
)
REFUSAL = b"HTTP/1.1 429 Too Many\r\nretry-after: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"


def serve(place: Connection, latency: float, refused: float) -> None:
    """An endpoint that does as little as it can, so that it is not what is measured."""
    rng = random.Random(0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        if rng.random() < refused:
            writer.write(REFUSAL)
        else:
            await asyncio.sleep(latency)
            writer.write(ANSWER)
        await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
        place.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def measure(port: int, concurrency: int, latency: float, seconds: float) -> dict[str, Any]:
    """Replies a second and processor milliseconds a reply, from when the pace has risen."""
    model = PacedModel(EndpointModel(f"http://127.0.0.1:{port}/v1#m", attempts=1), concurrency)
    arrived: list[float] = []
    done = False

    async def worker() -> None:
        while not done:
            await complete(model, [{"role": "user", "content": "Hello"}], [], Sampling())
            arrived.append(time.monotonic())

    async def run() -> dict[str, Any]:
        nonlocal done
        begun = time.monotonic()
        # A worker whose request was refused waits as long as it was told to; others take its place meanwhile.
        workers = [asyncio.create_task(worker()) for _ in range(2 * concurrency)]
        while model.pace.limit < concurrency and time.monotonic() - begun < 60:
            await asyncio.sleep(0.1)
        await asyncio.sleep(2 * latency)
        risen, cpu, before = time.monotonic(), time.process_time(), len(arrived)
        await asyncio.sleep(seconds)
        replies, took, cpu = len(arrived) - before, time.monotonic() - risen, time.process_time() - cpu
        done = True
        await asyncio.gather(*workers)
        rate = replies / took
        return {
            "replies_per_second": round(rate, 1),
            "share_of_the_possible": round(rate * latency / concurrency, 3),
            "cpu_ms_per_reply": round(1000 * cpu / max(replies, 1), 2),
            "cpu_share": round(cpu / took, 2),
            "seconds_to_rise": round(risen - begun, 1),
            "pace": model.pace.limit,
        }

    return asyncio.run(run())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--refused", type=float, nargs="+", default=[0.0, 0.05])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    made = []
    for refused in options.refused:
        here, there = multiprocessing.Pipe()
        server = multiprocessing.Process(target=serve, args=(there, options.latency, refused), daemon=True)
        server.start()
        try:
            figures = measure(here.recv(), options.concurrency, options.latency, options.seconds)
        finally:
            server.terminate()
            server.join()
        made.append({"refused": refused, "concurrency": options.concurrency, "latency": options.latency, **figures})
        if not options.json:
            print(", ".join(f"{name} {value}" for name, value in made[-1].items()), flush=True)
    if options.json:
        print(json.dumps(made))


if __name__ == "__main__":
    main()
