#!/bin/sh
# Makes the secrets of docker-compose.yml up, once: deploy/secrets/, readable by their owner alone.
# What is there already stays, so it may be run again.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets

make_up() {
    [ -s "secrets/$1" ] || head -c 36 /dev/urandom | base64 | tr -d '\n=' | tr '+/' '-_' >"secrets/$1"
}

# What holds another secret stays as well, and whoever has renewed that one is told.
derive() {
    [ -s "secrets/$1" ] || printf '%s' "$3" >"secrets/$1"
    grep -qF -e "$(cat "secrets/$2")" "secrets/$1" ||
        echo "secrets/$1 stays, though it has another password than secrets/$2" >&2
}

for name in jwt_secret chat_password replica_password sentinel_password monitor_password \
    admin_password grafana_password; do
    make_up "$name"
done
password=$(cat secrets/chat_password)
sentinels=sentinel-1:26379,sentinel-2:26379,sentinel-3:26379
derive redis_url chat_password "redis+sentinel://chat:$password@$sentinels/mymaster/0"
# What redis_exporter logs in with: by target, newer versions by user and target.
logins=$(
    for host in redis-1:6379 redis-2:6379 redis-3:6379 sentinel-1:26379 sentinel-2:26379 sentinel-3:26379; do
        for user in '' monitor@; do
            printf '"redis://%s%s": "%s",\n' "$user" "$host" "$(cat secrets/monitor_password)"
        done
    done | sed '1s/^/{/; $s/,$/}/'
)
derive monitor_passwords.json monitor_password "$logins"
# The containers read them as other users than the one who made them.
chmod 644 secrets/*
echo "secrets are in deploy/secrets"
