"""`python -m circflow.fuzz`."""

from circflow.fuzz.command import main

main()
