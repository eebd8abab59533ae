"""Laws of how many processes the demo starts: several on a plain CPU only."""

import os
import shutil
import sys

import pytest

from agent import demo


@pytest.mark.parametrize(
    ("platform", "found", "processes"),
    [("linux", None, 2), ("linux", "nvidia-smi", 1), ("linux", "rocm-smi", 1), ("darwin", None, 1)],
)
def test_where_there_may_be_an_accelerator_one_process_trains(platform, found, processes, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == found else None)
    assert demo._processes() == processes
