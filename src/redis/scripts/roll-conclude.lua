#!lua flags=allow-oom
-- Notes how a transaction ended, unless that is known, and tells the members.
-- Atomic because the outcome is one put-if-absent, whoever brings it (protocol I5).
-- KEYS    1 members  2 rolls  3 payloads  4 how the transaction ended
-- ARGV    1 txn id  2 'committed' or 'aborted'  3 how long a late roll call is refused, ms  4 channel of the members
-- RETURNS the outcome that is noted
-- WRITES  rolls, which have no TTL; the outcome with its TTL
-- Idempotent: what is noted stays noted.
--#include lib/roll.lua

local txn = ARGV[1]
local known = redis.call('GET', KEYS[4])
local roll = read_roll(txn)
if roll and roll.outcome ~= '' then known = roll.outcome end
if known then return known end
redis.call('SET', KEYS[4], ARGV[2], 'PX', ARGV[3])
if not roll then return ARGV[2] end
roll.outcome = ARGV[2]
local is_heard = next(roll.nodes) ~= nil
keep_roll(txn, roll)
if is_heard then redis.pcall('PUBLISH', ARGV[4], txn .. ' ' .. ARGV[2]) end
return ARGV[2]
