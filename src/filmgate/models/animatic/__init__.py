"""The project's own offline animatic renderer: places, people, light, camera, sound, drift.

Units are in the names: metres (``_m``), seconds (``_s``), degrees (``_deg``), pixels (``_px``).
World axes: x to the right of the room, y into the room, z up; the floor is z = 0.
Pictures are ``uint8`` sRGB in R, G, B order, shape (height, width, 3).
"""
