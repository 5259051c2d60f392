"""Where results go: files that appear complete or not at all."""
