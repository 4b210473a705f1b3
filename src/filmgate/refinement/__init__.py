"""What decisions and findings teach the next take."""
