-- Renews a node's lease. KEYS: the sorted set of nodes. ARGV: node, lease ms.
-- Returns whether the lease had lapsed, who has one, and whose has lapsed.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = string.format('%.0f', now + ARGV[2])
-- This clock may be set back: no lease ends later than one that begins now, or a dead node would
-- live for as long as it was set back.
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ends, '+inf')) do
  redis.call('ZADD', KEYS[1], ends, node)
end
local before = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0')
redis.call('ZADD', KEYS[1], ends, ARGV[1])
local live = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
return {before <= now and 1 or 0, live, dead}
