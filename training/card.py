"""The model card of an adapter: what it was trained on and how, and the lines that use it.

Comes in: the training log (`training_log.json`, as `training/sft.py` writes it), and the base's own card where it lies
here. Goes out: the text of README.md, with the YAML front matter that the Hub reads. Knows nothing of trainers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData, try_to_load_from_cache
from huggingface_hub.repocard import metadata_load
from yaml import YAMLError

from agent.models.names import resolve

LANGUAGES = {"zh": "Chinese", "en": "English"}

# A tool and a question to it: the lines of a card run as they are.
EXAMPLE = (
    'tools = [{"type": "function", "function": {"name": "get_weather", "description": "The weather in a city.",',
    '          "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]',
    'messages = [{"role": "user", "content": "What is the weather in Paris?"}]',
)


def render(log: Mapping[str, Any]) -> str:
    """The whole card. A base or dataset that is a folder here is named in the text only: the Hub wants its own ids."""
    parts = [_front_matter(log), _opening(log), _use(log), _data(log), _training(log), _versions(log)]
    return "\n\n".join(parts) + "\n"


def for_others(log: Mapping[str, Any]) -> dict[str, Any]:
    """The log as it may lie beside the adapter, wherever that goes: of folders here only their last part."""
    dataset = {**log["dataset"], "name": _shown(log["dataset"]["name"])}
    adapter = _shown(log["adapter"]) if log.get("adapter") else None
    return {**log, "base_model": _shown(log["base_model"]), "adapter": adapter, "dataset": dataset}


def is_hub_id(name: str) -> bool:
    """Whether `name` can be an id on the Hub: `user/name` that is no folder here."""
    parts = name.split("/")
    return len(parts) == 2 and all(parts) and not name.startswith((".", "~")) and not Path(name).exists()


def _front_matter(log: Mapping[str, Any]) -> str:
    base, dataset = log["base_model"], log["dataset"]["name"]
    data = ModelCardData(
        base_model=base if is_hub_id(base) else None,
        datasets=[dataset] if is_hub_id(dataset) else None,
        language=log["languages"] or None,
        **_licence(log),
        library_name="peft" if log["lora"] else "transformers",
        pipeline_tag="text-generation",
        tags=["callsmith", "tool-calling", "function-calling", "sft", "trl", *(["lora"] if log["lora"] else [])],
    )
    return f"---\n{data.to_yaml()}\n---"


def _licence(log: Mapping[str, Any]) -> dict[str, Any]:
    """What the base's card says of its licence, under which the adapter stands, too; nothing where no card is here.

    Nothing is asked of the network for it, so of a base on the Hub it is known only where its card was fetched before;
    a link is kept only where it leads somewhere from another place.
    """
    base = log["base_model"]
    file: Any = Path(resolve(base)).expanduser() / "README.md"
    try:
        if is_hub_id(base):
            file = try_to_load_from_cache(base, "README.md", revision=log["model_revision"])
        said = metadata_load(file) if isinstance(file, str | Path) else None
    except (OSError, ValueError, YAMLError):
        return {}
    said = said or {}
    known = {key: said[key] for key in ("license", "license_name", "license_link") if isinstance(said.get(key), str)}
    if not known.get("license_link", "https:").startswith("https:"):
        del known["license_link"]
    return known


def _revision(log: Mapping[str, Any]) -> str | None:
    """The base's branch, tag or commit; None for a folder, which has none."""
    return log["model_revision"] if is_hub_id(log["base_model"]) else None


def _opening(log: Mapping[str, Any]) -> str:
    kind = "A LoRA adapter" if log["lora"] else "A model"
    languages = [LANGUAGES.get(code, code) for code in log["languages"]]
    tongues = f", in {' and '.join(languages)}" if languages else ""
    revision = f" (revision `{_revision(log)}`)" if _revision(log) else ""
    return (
        f"# {log['name']}\n\n{kind} that teaches `{_shown(log['base_model'])}`{revision} to call tools{tongues}"
        + (f", and began as `{_shown(log['adapter'])}`. " if log.get("adapter") else ". ")
        + "The loss fell on the assistant's own tokens only: thoughts, text, calls and the stop token."
    )


def _use(log: Mapping[str, Any]) -> str:
    base = _shown(log["base_model"])
    revision = f", revision={_revision(log)!r}" if _revision(log) else ""
    load = f"AutoModelForCausalLM.from_pretrained(base{revision})"
    lines = [f"base, adapter = {base!r}, {log['name']!r}  # folders or Hub ids"]
    if base == "embedded":
        lines = [
            "from agent.models import resolve",
            f"base, adapter = resolve('embedded'), {log['name']!r}  # folders or Hub ids",
        ]
    if log["lora"]:
        lines += [f"model = PeftModel.from_pretrained({load}, adapter)"]
    else:
        lines += ["model = AutoModelForCausalLM.from_pretrained(adapter)"]
    code = "\n".join(
        [
            "from peft import PeftModel" if log["lora"] else "",
            "from transformers import AutoModelForCausalLM, AutoTokenizer",
            "",
            *lines,
            "tokenizer = AutoTokenizer.from_pretrained(adapter)",
            *EXAMPLE,
            "inputs = tokenizer.apply_chat_template(messages, tools=tools, add_generation_prompt=True,",
            '                                       return_tensors="pt", return_dict=True)',
            "print(tokenizer.decode(model.generate(**inputs, max_new_tokens=512)[0]))",
        ]
    ).lstrip()
    named = f"{base} --adapter {log['name']}" if log["lora"] else log["name"]
    serve = f"callsmith serve --model {named} --tools embedded"
    return f"## Use\n\n```bash\n{serve}\n```\n\n```python\n{code}\n```"


def _data(log: Mapping[str, Any]) -> str:
    data = log["dataset"]
    revision = f", revision `{data['revision']}`" if data["revision"] else ""
    scenarios = ", ".join(f"{name} {count:,}" for name, count in log["scenarios"].items())
    lines = [
        f"- dataset: `{_shown(data['name'])}`, split `{data['split']}`{revision}, fingerprint `{data['fingerprint']}`",
        f"- rows: {log['rows']:,}" + (f" ({scenarios})" if scenarios else ""),
        f"- sequences: {log['sequences']:,}; tokens: {log['tokens']:,}, of which {log['learned_tokens']:,} are learned",
        f"- rows dropped: {log['dropped']:,}, rows of which a part is learned: {log['cut']:,}"
        + (" (each with its reason in `dropped.jsonl`)" if log["dropped"] or log["cut"] else ""),
        f"- chat template: `{log['template_hash']}` (masks: {log['mask_method']})",
        f"- {_certificate(log['certificate'])}",
    ]
    return "## Data\n\n" + "\n".join(lines)


def _certificate(found: Mapping[str, Any]) -> str:
    """What the proof by gradient gave: training/masks/certify.py says how it is made."""
    if not found["holds"]:
        return "certificate: none, no row that it was tried on could be masked"
    return (
        f"certificate: under this chat template, one pass over {found['rows']} conversations has the gradient of "
        f"{found['replies']} separate samples, one for each reply (relative error {found['error']:.1e}, in float64)"
    )


def _training(log: Mapping[str, Any]) -> str:
    rows = {
        "steps": f"{log['steps']:,} ({log['epochs']:.2f} epochs)",
        "trained tokens": f"{log['trained_tokens']:,}",
        "final loss": _number(log["loss"]),
        "evaluation loss, a mean over batches": _number(log["eval_loss"]),
        "time": f"{log['seconds']:.0f} s on {log['processes']} × {log['device']}",
        **log["hyperparameters"],
        **(log["lora"] or {}),
    }
    table = [f"| {key} | {value} |" for key, value in rows.items() if value is not None and value is not False]
    return "\n".join(["## Training", "", "| | |", "|---|---|", *table])


def _versions(log: Mapping[str, Any]) -> str:
    return "## Versions\n\n" + ", ".join(f"{name} {number}" for name, number in log["versions"].items())


def _shown(name: str) -> str:
    """A Hub id as it is; of a folder here only the last part, since the rest means nothing elsewhere."""
    return name if is_hub_id(name) else Path(name).name


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"
