"""Measurements of whole paths, each with its floor or its peer in the same run."""
