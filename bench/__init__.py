"""Benches: how well drift is found, how fast, and the calibration that ships.

``python -m bench.accuracy``, ``python -m bench.speed``, ``python -m bench.calibrate``; each prints
Markdown tables and writes them to ``bench/out``. See ``bench/README.md`` for what they mean.
"""
