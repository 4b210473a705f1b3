"""``python -m filmgate`` is the command ``filmgate``."""

import sys

from filmgate.interfaces.cli import main

if __name__ == "__main__":
    sys.exit(main())
