-- Reads a page of a room. KEYS: log, meta. ARGV: token, known epoch, known seq, mark, which
-- (after, before, last or head), the seq that it is after or before, limit.
-- Returns epoch, head, tail (the first seq that is kept), entries; those before and last backwards.
local log, meta = KEYS[1], KEYS[2]
local epoch, head, renewed = history(
  log, meta, ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
if renewed then
  redis.call('HSET', meta, 'epoch', epoch, 'head', string.format('%.0f', head), 'mark', ARGV[4])
end
local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
local tail = first and tonumber(string.match(first[1], '-(%d+)$')) or head + 1
local which, bound, limit = ARGV[5], ARGV[6], tonumber(ARGV[7])
local entries = {}
if limit > 0 and which == 'after' then
  entries = redis.call('XRANGE', log, '(1-' .. bound, '+', 'COUNT', limit)
elseif limit > 0 and which == 'before' then
  entries = redis.call('XREVRANGE', log, '(1-' .. bound, '-', 'COUNT', limit)
elseif limit > 0 and which == 'last' then
  entries = redis.call('XREVRANGE', log, '+', '-', 'COUNT', limit)
end
return {epoch, head, tail, entries}
