"""The doors: each verb here is one call to `filmgate.studio`."""
