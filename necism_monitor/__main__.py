"""`python -m necism_monitor` is `necism`."""

import sys

from necism_monitor.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
