"""The loop: from a plan to circled takes."""
