"""Models: one small streaming protocol, and what stands behind it.

`load_model(name)` takes `embedded`, a folder or Hub id, a GGUF file, `http://…/v1` or `hf:PROVIDER/MODEL`. Knows
nothing of the execution of tools and of the loop.
"""

from agent.errors import UserError
from agent.models.names import gguf_file, is_endpoint, resolve
from agent.models.protocol import ChatModel, Reply, Sampling, TextDelta, Usage, complete

__all__ = ["FORMATS", "ChatModel", "Reply", "Sampling", "TextDelta", "Usage", "complete", "load_model", "resolve"]


FORMATS = ("auto", "native", "hermes", "react", "react_zh")


def load_model(name: str, *, adapter: str | None = None, format: str = "auto") -> ChatModel:  # noqa: A002
    """The model of that name, ready to write.

    Args:
        name: `embedded`, a Hub id or folder (transformers), a GGUF file or a folder that holds nothing else (llama.cpp,
            extra `gguf`), `http://…/v1` or `http://…/v1#MODEL` (any OpenAI-compatible endpoint; its key from
            OPENAI_API_KEY), or `hf:PROVIDER/MODEL` (Inference Providers; the token from HF_TOKEN).
        adapter: A PEFT adapter's folder or Hub id, for local models.
        format: How tools are asked for: "native", by the engine's own means; "hermes", "react" or "react_zh", as text
            in plain roles; "auto", natively where the engine can and as hermes where it cannot.

    Raises:
        UserError: There is no such model, it has no chat template, the adapter does not fit, or nothing answers.
    """
    if format not in FORMATS:
        raise UserError(f"unknown format {format!r}", mend=f"one of {', '.join(FORMATS)}")
    if is_endpoint(name):
        if adapter:
            raise UserError(f"an adapter cannot be loaded into an endpoint ({name})", mend="serve it there instead")
        from agent.models.endpoint import EndpointModel

        return EndpointModel(name, format=format)
    if file := gguf_file(name):
        if adapter:
            raise UserError(f"an adapter cannot be loaded into a GGUF file ({name})", mend="merge it, then convert")
        from agent.models.gguf_model import GgufModel

        return GgufModel(file, name=name, format=format)
    from agent.models.transformers_model import TransformersModel  # brings torch: only where a model runs here

    return TransformersModel(resolve(name), adapter=adapter, name=name, format=format)
