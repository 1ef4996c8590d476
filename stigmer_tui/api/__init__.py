"""The wire: code generated from protos/ (`*_pb2*.py`, never edited) and a thin typed layer over it."""
