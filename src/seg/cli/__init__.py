"""The command line: options, console tables, exit codes."""
