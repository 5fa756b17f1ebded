-- Appends messages to one room: all of them are decided, then all is written, or nothing.
-- KEYS: log; the room's meta and the stem of its idempotency keys are named after it. ARGV: token,
-- known epoch, six doubles in one (known seq, mark, history, dedup ms, rate limit, rate window ms:
-- an argument costs more than a number); then for each message user, cid, head, tail, digest,
-- traceparent.
-- Returns epoch, ts, then for each message: its seq; {seq, ts} of its first self; 0 for other
-- content under its key; the negative ms until the user's rate allows it.
local log = KEYS[1]
local room = string.sub(log, 1, -4)
local meta, stem = room .. 'meta', room .. 'cids'
local known_seq, mark, kept, dedup, limit, window = struct.unpack('>dddddd', ARGV[3])
local FIRST, WIDTH = 4, 6

local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch, head, renewed, m = history(log, meta, ARGV[1], ARGV[2], known_seq, mark)
local ts = math.max(tonumber(m[4]) or 0, clock)
local ts_text = string.format('%.0f', ts)

-- Idempotency keys: two hashes in rotation, each filled for the dedup time.
-- Only this clock decides what is forgotten: that keys expire just frees memory, later than that.
local last_turn, last_turned = tonumber(m[5]) or 0, tonumber(m[6]) or 0
local turn, turned = last_turn, last_turned
local rotated = clock - turned >= dedup
local stale = rotated and clock - turned >= 2 * dedup
if rotated then turn, turned = turn + 1, clock end
local current = stem .. ':' .. turn
local fields = {}
for i = FIRST, #ARGV, WIDTH do fields[#fields + 1] = ARGV[i] .. ':' .. ARGV[i + 1] end
local fresh = redis.call('HMGET', current, unpack(fields))
local old = stale and {} or redis.call('HMGET', stem .. ':' .. (turn - 1), unpack(fields))

-- A user's last publishes: a count, then times of 8 bytes. Up to 255 each has its own time;
-- above, each time is the last of a group, and a group is let in whole or not at all.
local group = math.max(1, math.floor(limit / 128))
local groups = math.floor(limit / group)
local rates, spent = {}, {}

-- This clock may be set back. What then lies ahead of it was now at the latest, or the user would
-- have to wait for as long as it was set back.
local function brought_back(times)
  local ahead = #times > 0 and struct.unpack('>d', times, #times - 7) - clock or 0
  if ahead <= 0 then return times, false end
  local moved = {}
  for at = 1, #times, 8 do
    moved[#moved + 1] = struct.pack('>d', struct.unpack('>d', times, at) - ahead)
  end
  return table.concat(moved), true
end

local function spend(user)
  local value = rates[user]
  if not value then
    value = redis.call('GET', 'hf:rate:{' .. user .. '}') or struct.pack('>d', group)
  end
  local count = struct.unpack('>d', value)
  local times, moved = brought_back(string.sub(value, 9))
  if #times > 0 and clock - struct.unpack('>d', times, #times - 7) > window then
    count, times = group, ''
  end
  if count < group and #times >= 8 then
    count, times = count + 1, string.sub(times, 1, -9)
  else
    while #times > groups * 8 do times = string.sub(times, 9) end
    if #times == groups * 8 then
      local age = clock - struct.unpack('>d', times)
      if age <= window then
        if moved then rates[user], spent[user] = struct.pack('>d', count) .. times, true end
        return window - age + 1
      end
      times = string.sub(times, 9)
    end
    count = 1
  end
  rates[user] = struct.pack('>d', count) .. times .. struct.pack('>d', clock)
  spent[user] = true
  return 0
end

local reply, added, keys, seen = {epoch, ts}, {}, {}, {}
local seq = head
for n, field in ipairs(fields) do
  local i = FIRST + (n - 1) * WIDTH
  local digest = ARGV[i + 4]
  local known = seen[field] or fresh[n] or old[n]
  if known then
    local first, when, content = string.match(known, '^(%d+) (%d+) (.*)$')
    reply[#reply + 1] = content == digest and {tonumber(first), tonumber(when)} or 0
  else
    local wait = spend(ARGV[i])
    if wait > 0 then
      reply[#reply + 1] = -wait
    else
      seq = seq + 1
      reply[#reply + 1] = seq
      seen[field] = string.format('%.0f', seq) .. ' ' .. ts_text .. ' ' .. digest
      keys[#keys + 1] = field
      keys[#keys + 1] = seen[field]
      added[#added + 1] = i
    end
  end
end

for n, i in ipairs(added) do
  local place = string.format('%.0f', head + n)
  local event = ARGV[i + 2] .. place .. ',"ts":' .. ts_text .. ARGV[i + 3]
  if ARGV[i + 5] == '' then
    redis.call('XADD', log, '1-' .. place, 'e', event, 'u', ARGV[i], 'c', ARGV[i + 1],
      't', ts_text, 'd', ARGV[i + 4])
  else
    redis.call('XADD', log, '1-' .. place, 'e', event, 'u', ARGV[i], 'c', ARGV[i + 1],
      't', ts_text, 'd', ARGV[i + 4], 'p', ARGV[i + 5])
  end
end
-- Where nothing is added the next turn is left to who adds: there is no key yet to let expire.
if #added == 0 then turn, turned, rotated = last_turn, last_turned, false end
-- Written also when nothing was appended: WAIT then covers what the answers rest on.
redis.call('HSET', meta, 'epoch', epoch, 'head', string.format('%.0f', seq), 'ts', ts_text,
  'mark', renewed and string.format('%.0f', mark) or m[3] or '0',
  'turn', turn, 'turned', string.format('%.0f', turned))
if #added > 0 then
  redis.call('XTRIM', log, 'MAXLEN', '~', kept)
  redis.call('HSET', current, unpack(keys))
end
for user in pairs(spent) do
  redis.call('SET', 'hf:rate:{' .. user .. '}', rates[user], 'PX', window + 1)
end
if rotated then
  redis.call('PEXPIRE', current, 3 * dedup)
  redis.call('UNLINK', stem .. ':' .. (turn - 2))
  if stale then redis.call('UNLINK', stem .. ':' .. (turn - 1)) end
end
return reply
