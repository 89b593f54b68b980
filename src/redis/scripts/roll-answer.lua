#!lua flags=allow-oom
-- Notes the vote of a node, or that it has acted on the outcome; the last one to act removes the roll.
-- Atomic because the last vote is the one that tells the owner.
-- KEYS    1 members  2 rolls  3 payloads
-- ARGV    1 txn id  2 node  3 'ready', 'veto' or 'done'
-- RETURNS {'noted'} | {'over'} | {'committed'} | {'aborted'}
-- WRITES  rolls and payloads, which have no TTL
-- Idempotent: only the first vote of a node counts.
--#include lib/roll.lua

local txn, node, answer = ARGV[1], ARGV[2], ARGV[3]
local roll = read_roll(txn)
if not roll or not roll.nodes[node] then return { 'over' } end
if answer == 'done' then
  roll.nodes[node] = nil
  keep_roll(txn, roll)
  return { 'noted' }
end
if roll.outcome ~= '' then return { roll.outcome } end
if roll.nodes[node] == 'asked' then
  roll.nodes[node] = answer
  keep_roll(txn, roll)
end
return { 'noted' }
