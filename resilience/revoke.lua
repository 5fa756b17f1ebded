-- Keeps a revocation as long as it matters. KEYS: the stream of revocations.
-- ARGV: the revocation, ms to keep it, how many there may be. Returns 1, or 0 if there are too many.
local time = redis.call('TIME')
local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[2]
redis.call('XTRIM', KEYS[1], 'MINID', '=', string.format('%.0f', math.max(0, oldest)))
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[3]) then
  return 0
end
redis.call('XADD', KEYS[1], '*', 'r', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
