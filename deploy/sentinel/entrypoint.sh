#!/bin/sh
# Fills the templates of this folder in and becomes the server: entrypoint.sh redis|sentinel [OPTION...]
#
# NODE_HOST, NODE_PORT      what this node announces
# MASTER_HOST, MASTER_PORT  the master of the very first start
# REPLICA_PASSWORD, SENTINEL_PASSWORD, CHAT_PASSWORD, MONITOR_PASSWORD, ADMIN_PASSWORD, or the same
#                           with _FILE at the end and the path of a file; letters, digits, '-', '_' and '.' only
# CHAT_SENTINEL_RIGHTS      empty, or +sentinel|failover: servers that run with --dev may then order one from the console
# MAXMEMORY                 of Redis, 1gb
# TLS_DIR                   empty, or a folder of certificates: then nothing is spoken in the clear (tls.conf)
# DATA_DIR                  /data: what is filled in, the data, and what a restart must remember
set -eu
umask 077

role=$1
shift
templates=$(cd "$(dirname "$0")" && pwd)
: "${NODE_HOST:?}" "${MASTER_HOST:?}" "${CHAT_SENTINEL_RIGHTS=}" "${MAXMEMORY:=1gb}" "${TLS_DIR=}" "${DATA_DIR:=/data}"

# These texts go into files where a space or a quote would mean something, and into REDIS_URL.
secret() {
    eval "value=\${$1:-} file=\${$1_FILE:-}"
    [ -n "$value" ] || [ -z "$file" ] || value=$(cat "$file")
    case $value in
    '' | *[!A-Za-z0-9._-]*)
        echo "$1 (or $1_FILE) must be letters, digits, '-', '_' and '.'" >&2
        exit 2
        ;;
    esac
    eval "$1=\$value"
}

# The shell itself replaces ${NAME} and joins lines that end in a backslash.
fill() {
    eval "cat <<END_OF_TEMPLATE
$(sed '/^#/d' "$templates/$1")
END_OF_TEMPLATE"
}

# The settings of a role, with TLS where there are certificates.
settings() {
    fill "$1"
    [ -z "$TLS_DIR" ] || fill tls.conf
}

# Whom this node followed when it stopped, as Sentinel wrote it into the file; only a node that never
# ran is told by the environment. A former replica that starts as master wipes the newer ones.
follow() {
    if [ -f "$DATA_DIR/redis.conf" ]; then
        sed -n '/^replicaof /p' "$DATA_DIR/redis.conf"
    elif [ "$NODE_HOST:$NODE_PORT" != "$MASTER_HOST:$MASTER_PORT" ]; then
        echo "replicaof $MASTER_HOST $MASTER_PORT"
    fi
}

# What a sentinel knows outlives its restart; all else comes from the template.
recall() {
    [ -f "$DATA_DIR/sentinel.conf" ] || return 0
    sed -n -E '/^sentinel (myid|current-epoch|(config|leader)-epoch|known-(replica|sentinel)) /p' \
        "$DATA_DIR/sentinel.conf"
}

for name in REPLICA_PASSWORD SENTINEL_PASSWORD CHAT_PASSWORD MONITOR_PASSWORD ADMIN_PASSWORD; do
    secret $name
done

case $role in
redis)
    : "${NODE_PORT:=6379}" "${MASTER_PORT:=6379}"
    fill users.acl >"$DATA_DIR/users.acl"
    { settings redis.conf && follow; } >"$DATA_DIR/redis.conf.new"
    mv "$DATA_DIR/redis.conf.new" "$DATA_DIR/redis.conf"
    exec redis-server "$DATA_DIR/redis.conf" "$@"
    ;;
sentinel)
    : "${NODE_PORT:=26379}" "${MASTER_PORT:=6379}"
    if [ -f "$DATA_DIR/sentinel.conf" ]; then
        known=$(sed -n 's/^sentinel monitor mymaster \(.*\) [0-9]*$/\1/p' "$DATA_DIR/sentinel.conf")
        MASTER_HOST=${known% *} MASTER_PORT=${known#* }
    fi
    fill sentinel-users.acl >"$DATA_DIR/sentinel-users.acl"
    { settings sentinel.conf && recall; } >"$DATA_DIR/sentinel.conf.new"
    mv "$DATA_DIR/sentinel.conf.new" "$DATA_DIR/sentinel.conf"
    exec redis-server "$DATA_DIR/sentinel.conf" --sentinel "$@"
    ;;
*)
    echo "usage: entrypoint.sh redis|sentinel [OPTION...]" >&2
    exit 2
    ;;
esac
