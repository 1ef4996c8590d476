"""The program as a person uses it: real processes, real terminals, real signals."""
