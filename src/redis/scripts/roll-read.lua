#!lua flags=allow-oom
-- Tells how far the voting on a transaction is, without those whose lease has ended.
-- Atomic because a node that is dropped and the votes of the others are one count.
-- KEYS    1 members  2 rolls  3 payloads
-- ARGV    1 txn id
-- RETURNS {'waiting'} | {'ready'} | {'vetoed', node} | {'over'}
-- WRITES  members and rolls, which have no TTL
-- Idempotent: it drops only what is over.
--#include lib/time.lua
--#include lib/roll.lua

local roll = read_roll(ARGV[1])
if not roll or roll.outcome ~= '' then return { 'over' } end
drop_lapsed(ARGV[1], roll, live_members(math.floor(server_time_us() / 1000)))
local state, node = votes(roll)
return { state, node }
