"""What the runners share: taking leases from the server, reporting on them, and a journal to resume from."""
