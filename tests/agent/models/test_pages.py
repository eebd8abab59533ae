"""Pages stay: what a large tensor has left is taken again without being cleared anew."""

import platform
import resource
import subprocess
import sys

import pytest

STEPS = """
import resource, sys, torch
from agent.models.pages import keep_pages
if sys.argv[1] == "kept":
    keep_pages()
for step in range(35):
    torch.ones(20_000_000)  # 80 MB
    if step == 4:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    done = subprocess.run([sys.executable, "-c", STEPS, how], check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_kept_pages_are_not_cleared_again():
    pages = 30 * 4 * 20_000_000 / resource.getpagesize()
    assert faults("kept") < pages / 2  # a few times the heap has to be ordered anew
