"""Asking someone else's machine: generators for media, readers for structured answers."""
