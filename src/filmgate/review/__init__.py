"""People: what a reviewer looks at and rules on. It reads published results, it never measures."""
