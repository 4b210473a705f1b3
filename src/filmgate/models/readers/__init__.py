"""Readers, one file each: the file name is the registration, ``READER`` the class."""
