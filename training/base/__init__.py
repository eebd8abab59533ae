"""The embedded base model: its corpus, tokenizer, pretraining and export. Knows nothing of tool calls."""
