"""`python -m gondola` is the `gondola` command."""

from gondola.cli import main

if __name__ == "__main__":
    main()
