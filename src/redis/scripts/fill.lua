#!lua
-- Publishes a value that was loaded after a miss, unless anything has happened to its key since, or the lease is over (protocol I3).
-- Atomic because a write between the look at the token and the fill would be overwritten with something older.
-- KEYS    1 entry
-- ARGV    1 token  2 ttl ms (0: for ever)  3 strategy (timestamp counter)  4 ms that it is fresh (0: to its end)
--         5 value, missing when there is none: then only the lease ends
-- RETURNS {'filled', version} | {'ended'} | {'refused'}
-- WRITES  the entry with its TTL; tells that it did, and those that wait for the lease that it is over
-- Idempotent: a second call finds no token any more, and changes nothing.
--#include lib/time.lua
--#include lib/entry.lua
--#include lib/tell.lua

local state = redis.call('HMGET', KEYS[1], 'ver', 'i', 'f', 'fdl', 'fw')
if state[2] or state[3] ~= ARGV[1] then return { 'refused' } end
local now_us = server_time_us()
-- Looked at, because only a key without a version has ended with its lease.
if tonumber(state[4] or 0) <= math.floor(now_us / 1000) then return { 'refused' } end
if not ARGV[5] then
  end_lease(KEYS[1], state[3], state[5])
  return { 'ended' }
end
local before = version_of(state[1])
if not before then return redis.error_reply('WRONGTYPE an entry has a version that no commit wrote') end
local version = digits(next_version(before, ARGV[3], now_us))
end_lease(KEYS[1], state[3], state[5])
publish(KEYS[1], 'put', ARGV[5], version, ARGV[2], before > 0)
if tonumber(ARGV[4]) > 0 then redis.call('HSET', KEYS[1], 's', version .. ' ' .. digits(math.floor(now_us / 1000) + tonumber(ARGV[4]))) end
tell(KEYS[1], version)
end_telling()
return { 'filled', version }
