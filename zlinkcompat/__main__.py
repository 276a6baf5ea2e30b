"""``python -m zlinkcompat``, which does the same as the command ``zlinkcompat``."""

from zlinkcompat._cli import main

if __name__ == "__main__":
    main()
