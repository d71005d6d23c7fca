"""Keeps everything that was said, in columns.

Hears ``*``; says nothing. Its gaps are mended from the speakers' tapes, so a row is there for every event.
"""
