"""Measurements against the budgets of the design: run by hand, never as tests."""
