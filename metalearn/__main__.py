import sys

from metalearn.cli import main

if __name__ == "__main__":
    sys.exit(main())
