"""Entries drawn as rows of text: pure functions of the entry, the width and the glyphs. Colours come in at the end."""
