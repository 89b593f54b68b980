#!lua flags=allow-oom
-- A node is no member any more, and nobody waits for it.
-- Atomic because an owner that counts the votes must not see a node that has gone half.
-- KEYS    1 members  2 rolls  3 payloads
-- ARGV    1 node
-- RETURNS OK
-- WRITES  members and rolls, which have no TTL
-- Idempotent: a node that has gone is gone.
--#include lib/time.lua
--#include lib/roll.lua

redis.call('HDEL', KEYS[1], ARGV[1])
open_rolls(live_members(math.floor(server_time_us() / 1000)))
return 'OK'
