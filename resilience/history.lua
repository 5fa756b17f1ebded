-- The history of a room: its epoch and head. The epoch is renewed here, in the same atomic step
-- as whatever follows, when the room has none, when the caller knows of more than there is, or
-- when all histories broke since this room was last touched.
local function history(log, meta, token, known, at, mark)
  local m = redis.call('HMGET', meta, 'epoch', 'head', 'mark', 'ts', 'turn', 'turned')
  local epoch, head = m[1], tonumber(m[2])
  if not head then
    local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
    head = last and tonumber(string.match(last[1], '-(%d+)$')) or 0
  end
  local lost = epoch == known and head < at
  local renewed = not epoch or lost or (tonumber(m[3]) or 0) < mark
  return renewed and token or epoch, head, renewed, m
end
