"""The engine that needs nothing else: what a run has done stands in a journal, from which any runner can go on."""
