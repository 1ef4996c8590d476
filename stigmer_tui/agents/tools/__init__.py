"""The tools of every agent, under the original's names.

Their docstrings are what models read. See `docs/compatibility.md` 101.
"""
