"""Draws entries as rows of text: pure functions of entry, width and glyphs. Colours are applied last."""
