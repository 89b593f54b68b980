#!lua
-- Reads an entry and, where it has no value, or one that is to be replaced, gives out the token to fill it (protocol section 5).
-- Atomic because the token must be older than every write that its fill does not know.
-- KEYS    1 entry
-- ARGV    1 token  2 ms that others leave the load to it  3 the version to replace ('': none)  4 'times' for a hit with its times
--         5 inbox channel of the caller, missing unless it is to be told there when the lease that it finds is over
-- RETURNS {'hit', value, version[, now ms, ms when it ends, ms when it gets stale; 0: never]}
--         | {'leased'} | {'busy', ms left, token of its holder} | {'intent', intent, value or nil, version or nil}
-- WRITES  f and fdl of the entry, or fw; a key that has no version ends with its lease, and a lease ends with its entry at the latest
-- Idempotent: the same token gets the same lease again.
--#include lib/time.lua
--#include lib/entry.lua

-- Processes that the end of one lease is told to; more of them ask again by themselves.
local MOST_WAITERS = 16

local state = redis.call('HMGET', KEYS[1], 'v', 'ver', 'i', 'f', 'fdl', 's')
if state[3] then return { 'intent', state[3], state[1], state[2] } end
if state[1] and state[2] and state[2] ~= ARGV[3] then
  local stale_ms = stale_from(state[6], state[2])
  if not stale_ms and ARGV[4] ~= 'times' then return { 'hit', state[1], state[2] } end
  local ends_ms = redis.call('PEXPIRETIME', KEYS[1])
  return { 'hit', state[1], state[2], digits(math.floor(server_time_us() / 1000)), math.max(ends_ms, 0), stale_ms or 0 }
end
local now_ms = math.floor(server_time_us() / 1000)
local left_ms = tonumber(state[5] or 0) - now_ms
if state[4] and state[4] ~= ARGV[1] then
  local waiters = (left_ms <= 0 or ARGV[5]) and redis.call('HGET', KEYS[1], 'fw') or ''
  if left_ms > 0 then
    local _, count = string.gsub(waiters, '\n', '')
    if ARGV[5] and count < MOST_WAITERS and not string.find('\n' .. waiters, '\n' .. ARGV[5] .. '\n', 1, true) then
      redis.call('HSET', KEYS[1], 'fw', waiters .. ARGV[5] .. '\n')
    end
    return { 'busy', digits(left_ms), state[4] }
  end
  end_lease(KEYS[1], state[4], waiters)
end
local ends_ms = now_ms + tonumber(ARGV[2])
local entry_ends_ms = state[2] and redis.call('PEXPIRETIME', KEYS[1]) or 0
if entry_ends_ms > 0 then ends_ms = math.min(ends_ms, entry_ends_ms) end
redis.call('HSET', KEYS[1], 'f', ARGV[1], 'fdl', digits(ends_ms))
if not state[2] then redis.call('PEXPIREAT', KEYS[1], digits(ends_ms)) end
return { 'leased' }
