"""Lets the tests of this folder import what stands beside them, and the scripted model and browser of the Space's."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE, HERE.parents[1] / "space"):
    sys.path.insert(0, str(folder))
