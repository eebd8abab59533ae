"""The corpus of the embedded base model: seeded, endless, written by us, Chinese and English in equal parts.

Goes out: documents (`mixture.document(seed, index)`). Each is a chat or a plain text that can only be continued by
reading it: copy this value, fill that form, choose from these services. Nothing here shows a tool call: no tool role,
no call tags, no object with a name beside its arguments. That is what an adapter is for.
"""
