"""The bottom layer, used by every room: ids, time, paths, configuration, redaction, errors."""
