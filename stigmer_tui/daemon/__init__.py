"""The daemon on this machine, from outside: start, stop, status, logs; and supervision of its processes."""
