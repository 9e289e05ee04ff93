"""`python -m circflow` is `circflow`."""

import sys

from circflow.cli import main

sys.exit(main())
