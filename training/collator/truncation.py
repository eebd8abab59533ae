"""Where a sequence that is too long may be cut: after a whole reply, never within one."""

from collections.abc import Sequence

from training.masks.sequences import IGNORED


def kept_length(labels: Sequence[int], max_length: int | None) -> int:
    """How many tokens stay of a sequence.

    A run of learned tokens is a reply with its stop token, and may be a tool call: cut through, it would teach half a
    call. So the cut falls after the last run that ends within `max_length`, and what follows it teaches nothing.

    Returns:
        All of them where they fit and any is learned; 0 where no whole run fits.
    """
    if max_length is None or len(labels) <= max_length:
        return len(labels) if labels.count(IGNORED) < len(labels) else 0
    for end in range(max_length, 0, -1):
        if labels[end - 1] != IGNORED and labels[end] == IGNORED:
            return end
    return 0
