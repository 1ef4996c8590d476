"""Tests of agents and workflows: runs that were recorded, played again offline, and compared with what is expected."""
