"""A model with random weights and the embedded tokenizer: what it writes is noise, but for what a grammar enforces."""

import json
import shutil
from pathlib import Path

from agent.models import Sampling, resolve


def random_model(folder: Path, seed: int = 0, template: str | None = None) -> str:
    """A folder with a tiny Qwen3 of random weights, with the embedded chat template or the given one."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    shutil.copytree(resolve("embedded"), folder, ignore=shutil.ignore_patterns("model*", "README*", "pretraining*"))
    config = AutoConfig.from_pretrained(folder)
    config.hidden_size, config.intermediate_size, config.num_hidden_layers = 32, 64, 2
    config.layer_types = config.layer_types[:2]
    config.num_attention_heads = config.num_key_value_heads = 2
    config.head_dim = 16
    torch.manual_seed(seed)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    if template is not None:
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return str(folder)


def under(model, template: str):
    """The model as if it had been loaded with another chat template, natively."""
    from agent.constrain import Constrainer

    model.tokenizer.chat_template = template
    model.format = "native"
    model._constrainer = Constrainer(model)
    vars(model).pop("_call_beginnings", None)  # what was found under another
    return model


def written(model, wish: str, limit: int, tools=None, *, prompt_end: str = "assistant\n", **how) -> str | None:
    """What is written of `wish` within `limit` tokens: at each step its next token if it is allowed, else any that is;
    None where the limit cuts it. `prompt_end` is the end of the prompt.
    """
    import torch

    ids = model.tokenizer(wish, add_special_tokens=False)["input_ids"] + sorted(model.stop_ids)[:1]
    prompt = torch.tensor([model.tokenizer(prompt_end)["input_ids"]])
    sampling = Sampling(constrained=True, **how)
    processor = model._constrainer.processor([TOOLS if tools is None else tools], sampling, prompt, limit)
    got: list[int] = []
    for step in range(limit):
        scores = torch.zeros(1, model.model.config.vocab_size)
        if got == ids[:step]:
            scores[0, ids[step]] = 1.0
        token = int(processor(torch.cat([prompt, torch.tensor([got], dtype=torch.long)], dim=1), scores).argmax())
        if token in model.stop_ids:
            return model.tokenizer.decode(got)
        got.append(token)
    return None


def tool(name: str, properties: dict, required: list[str] | None = None) -> dict:
    parameters = {"type": "object", "properties": properties, "required": required or []}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": parameters}}


TOOLS = [
    tool(
        "get_weather", {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 9}}, ["city"]
    ),
    tool(
        "查询天气",
        {"城市": {"enum": ["北京", "上海", "“引号”"]}, "单位": {"type": "string", "enum": ["摄氏", "华氏"]}},
        ["城市"],
    ),
    tool("now", {}),
    tool(
        "plan",
        {
            "steps": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "budget": {"type": ["number", "null"], "minimum": 0, "maximum": 1e6},  # unbounded, it might be 7E885
            "who": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                "required": ["name", "age"],
            },
            "urgent": {"type": "boolean"},
        },
        ["steps", "who", "urgent"],
    ),
    tool('say "it"', {"text": {"type": "string", "maxLength": 20}}, ["text"]),
]


def faults(reply, tools) -> list[str]:
    """What is wrong with the calls of a reply; [] if they parse as they stand and validate."""
    from agent.tools import validate_arguments

    schemas = {schema["function"]["name"]: schema for schema in tools}
    found = [*reply.repairs, *reply.problems]
    for call in reply.message.get("tool_calls", []):
        function = call["function"]
        if function["name"] not in schemas:
            found.append(f"no tool {function['name']}")
            continue
        _, coercions, errors = validate_arguments(
            schemas[function["name"]], json.loads(json.dumps(function["arguments"]))
        )
        found += [*coercions, *errors]
    return found
