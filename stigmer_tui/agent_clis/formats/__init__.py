"""What the programs print, as events."""
