"""A project on disk: Stigmer.yaml, synthesis of manifests, the plan, watching for changes, the scaffold."""
