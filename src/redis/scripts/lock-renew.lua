#!lua flags=allow-oom
-- Extends held leases, up to 100 in one call.
-- Atomic because a lease must not be extended after somebody else could have taken the lock.
-- KEYS    the lock hashes
-- ARGV    for each key: token, lease ms, fence to raise the stored one to (0: leave it)
-- RETURNS one number for each key: 1 held and extended, 0 lost, or not a lock
-- WRITES  the lock hashes, with a TTL of lease + 1 day
-- Idempotent: extending twice only counts from the later moment.
--#include lib/time.lua
--#include lib/hold.lua

local now_ms = math.floor(server_time_us() / 1000)
local held, promises = {}, {}
for i, key in ipairs(KEYS) do
  -- A key that something else wrote is one lost lock, and no reason to lose the others of this call.
  local state = redis.pcall('HMGET', key, 't', 'x', 'p')
  held[i] = (not state.err and is_held(state[1], state[2], now_ms) and state[1] == ARGV[i * 3 - 2]) and 1 or 0
  promises[i] = state[3]
end
for i, key in ipairs(KEYS) do
  if held[i] == 1 then
    local lease_ms, fence = tonumber(ARGV[i * 3 - 1]), tonumber(ARGV[i * 3])
    local ends_ms = lease_end(promises[i], ARGV[i * 3 - 2], now_ms + lease_ms)
    redis.call('HSET', key, 'x', digits(ends_ms))
    if fence > tonumber(redis.call('HGET', key, 'f') or 0) then redis.call('HSET', key, 'f', digits(fence)) end
    redis.call('PEXPIREAT', key, digits(ends_ms + FENCE_KEPT_MS))
  end
end
return held
