"""`python -m starter` is `dunning`."""

from starter.cli import main

main()
