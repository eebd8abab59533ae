"""What keeps a tool's result from being taken for an order: `marking`, and `injections`, which measures it.

`python -m agent.safety --model NAME` reports how many of the injected orders in `injections.json` a model obeys.
"""
