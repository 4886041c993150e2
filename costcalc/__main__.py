"""`python -m costcalc` is `costcalc`."""

import sys

from costcalc.cli import main

sys.exit(main())
