#!/bin/sh
# Turns the proxy to the other version of the chat servers: turn.sh [nginx.conf]
#
# New connections go to the nodes that were `down`; those that are open stay where they are until
# their node is stopped. Reload afterwards: nginx -s reload.
set -eu
file=${1:-$(dirname "$0")/nginx.conf}
turned=$(sed -E '/^ *server [^;]*:[0-9]+ max_fails/ { s/ down;/;/; t; s/;/ down;/; }' "$file")
# In place: a file of another name would not be the one that the container has mounted.
printf '%s\n' "$turned" >"$file"
grep -E '^ *server [^;]*:[0-9]+ max_fails' "$file"
