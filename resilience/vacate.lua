-- Takes a node's users out of a room, but those that are named. KEYS: members.
-- ARGV: node, then users.
local stays = {}
for i = 2, #ARGV do stays[ARGV[i] .. '/' .. ARGV[1]] = true end
local suffix = '/' .. ARGV[1]
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, -#suffix) == suffix and not stays[field] then
    redis.call('HDEL', KEYS[1], field)
  end
end
return 1
