#!lua flags=no-writes
-- Describes held locks without their tokens.
-- Atomic because holder, fence and remaining time must be of one moment, by the server's clock.
-- KEYS    the lock hashes
-- ARGV    none
-- RETURNS for each key: {fence, owner, held for ms, expires in ms, waiters}, or an empty list when it is not held
-- WRITES  nothing
--#include lib/time.lua
--#include lib/hold.lua
--#include lib/queue.lua

local now_ms = math.floor(server_time_us() / 1000)
local infos = {}
for i, key in ipairs(KEYS) do
  local state = redis.call('HMGET', key, 't', 'x', 'f', 'o', 'a')
  infos[i] = {}
  if is_held(state[1], state[2], now_ms) then
    local waiters = math.max(0, math.floor((redis.call('HLEN', key) - QUEUE_FIELDS) / 2))
    local held_for_ms = math.max(0, now_ms - tonumber(state[5]))
    infos[i] = { state[3], state[4], digits(held_for_ms), digits(tonumber(state[2]) - now_ms), digits(waiters) }
  end
end
return infos
