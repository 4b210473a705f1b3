"""Generators, one file each: the file name is the registration, ``GENERATOR`` the class."""
