"""Markdown as rows: the text is cut into pieces as it comes (`splitter`), each of which is drawn by itself.

A piece that is followed by another never changes again, so that a text of any length costs no more to extend than its
last piece. What this gives up: link definitions apply within their own piece only.
"""
