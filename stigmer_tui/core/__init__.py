"""What every room uses and what uses none of them: ids, time, paths, configuration, redaction, errors."""
