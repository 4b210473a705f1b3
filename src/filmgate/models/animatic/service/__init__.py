"""Previz as a service: from a request to a job, from a job to a take, and how it fails on purpose.

wish reads a request into a shot, stand finds the camera, fault decides what goes wrong, jobs keeps
what must survive a crash, workers render, truth says afterwards what was planted.
"""
