#!/bin/sh
# The agent runner in one file: this script, and behind it an archive, which is unpacked once, beside this file.
set -eu
folder="$(dirname "$0")/.agent-runner-@ID@"
if [ ! -d "$folder" ]; then
    umask 077
    new="$(mktemp -d "$folder.XXXXXX")"
    trap 'rm -rf "$new"' EXIT
    tail -n +@LINE@ "$0" | tar -xzf - -C "$new"
    # Under its name only when it is whole; another process may have been quicker.
    [ -d "$folder" ] || mv "$new/agent-runner" "$folder"
    rm -rf "$new"
    trap - EXIT
fi
exec "$folder/agent-runner" "$@"
