"""Writes a folder's small Qwen3 as a GGUF file of 32-bit floats, so that llama.cpp can be tested without a download."""

import json
from pathlib import Path


def write_gguf(folder: Path, file: Path, *, template: str | None = None) -> str:
    """The file's path; `template` takes the place of the folder's chat template, "" leaves it out."""
    import gguf
    from safetensors.torch import load_file

    config = json.loads((folder / "config.json").read_text("utf-8"))
    words = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    writer = gguf.GGUFWriter(str(file), "qwen3")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    special = {token["content"]: token["id"] for token in words["added_tokens"]}
    texts = {**words["model"]["vocab"], **special}
    control = {text for text in special if text.startswith("<|")}
    kinds = [
        gguf.TokenType.CONTROL
        if text in control
        else gguf.TokenType.USER_DEFINED
        if text in special
        else gguf.TokenType.NORMAL
        for text, _ in sorted(texts.items(), key=lambda item: item[1])
    ]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(sorted(texts, key=texts.__getitem__))
    writer.add_token_types(kinds)
    merges = words["model"]["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_add_bos_token(False)
    template = (folder / "chat_template.jinja").read_text("utf-8") if template is None else template
    if template:
        writer.add_chat_template(template)
    weights = {
        name: tensor for part in sorted(folder.glob("model*.safetensors")) for name, tensor in load_file(part).items()
    }
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, config["num_hidden_layers"])
    for name, tensor in weights.items():
        if name != "lm_head.weight" or not config["tie_word_embeddings"]:
            writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), tensor.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(file)
