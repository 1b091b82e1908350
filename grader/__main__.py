"""Entry point of ./course."""

from grader.cli import main

main()
