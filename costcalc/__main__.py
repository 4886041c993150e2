"""`python -m costcalc` is `costcalc`."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the working folder, which may hold anything: no module and no plugin is taken from it

from costcalc.cli import main

sys.exit(main())
