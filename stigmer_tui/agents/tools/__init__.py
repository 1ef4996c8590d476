"""The tools of every agent, under the names of the contract (RUNTIME B2). Their docstrings are what models read."""
