"""Our widgets. Their number does not depend on how much there is to show."""
