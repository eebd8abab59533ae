"""What makes an adapter: masks, collator, training, evaluation. Stands on `agent`."""
