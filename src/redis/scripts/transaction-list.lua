#!lua flags=no-writes
-- Tells which transactions are on their way, overdue or not, those that are overdue first before others.
-- Atomic because how late one is shows only beside the server's own time.
-- KEYS    1 list of the open transactions
-- ARGV    1 how many at most
-- RETURNS {server time in ms, transaction, when it is overdue in ms, ...}
-- WRITES  nothing
--#include lib/time.lua

local reply = { digits(math.floor(server_time_us() / 1000)) }
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[1])
for i = 1, #found, 2 do
  reply[#reply + 1] = found[i]
  reply[#reply + 1] = digits(tonumber(found[i + 1]))
end
return reply
