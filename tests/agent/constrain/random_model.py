"""A model with random weights and the embedded tokenizer: what it writes is noise, but for what a grammar enforces."""

import json
import shutil
from pathlib import Path

from agent.models import resolve


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
            "budget": {"type": ["number", "null"]},
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
