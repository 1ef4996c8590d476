"""The API: gRPC services over the store, streams of executions, leases for runners."""
