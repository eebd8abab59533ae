"""Memory pages that stay with the process, for models that run on a CPU.

By default glibc gives a large tensor's pages back to the system as soon as it is freed, and the next step's are cleared
anew: a tenth of the time of a small model. Knows nothing of models. Imports nothing heavy.
"""

import ctypes
import sys

_MALLOPT = {  # by the numbers of glibc's malloc.h
    -1: 2**31 - 1,  # M_TRIM_THRESHOLD: so much may lie free at the top before it is given back
    -2: 2**26,  # M_TOP_PAD: the heap grows by at least so much
    -4: 0,  # M_MMAP_MAX: nothing is mapped apart from the heap
    -8: 1,  # M_ARENA_MAX: one heap for all threads, since those of further threads are small
}


def keep_pages() -> None:
    """Tell glibc so; with another C library nothing happens."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in _MALLOPT.items():
            mallopt(option, value)
