"""Scripts that an agent plays where no model is asked: the format, and the player."""
