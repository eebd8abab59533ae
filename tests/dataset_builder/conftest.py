"""Lets the tests of this folder import what they share: `llm_server`, `hub_server`, `forked_builds`, `commanding`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
