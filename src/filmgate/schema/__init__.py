"""The shared state: frozen, versioned values that may cross a department's boundary."""
