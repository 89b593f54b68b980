#!lua
-- Asks every member of a name to vote on a transaction.
-- Atomic because a node becomes a member either before this step, and is asked, or after it, and sees the roll.
-- KEYS    1 members  2 rolls  3 payloads  4 how the transaction ended
-- ARGV    1 txn id  2 decider  3 ms until others may declare it aborted  4 inbox of the owner  5 channel of the members  6 payload
-- RETURNS {'called', members that are asked} | {'busy', txn, decider, deadline ms} | {'over'}
-- WRITES  members, rolls and payloads, which have no TTL
-- Idempotent: a second call finds the roll, or that it is over.
--#include lib/time.lua
--#include lib/roll.lua

local txn, now_ms = ARGV[1], math.floor(server_time_us() / 1000)
if redis.call('EXISTS', KEYS[4]) == 1 then return { 'over' } end
local live = live_members(now_ms)
local known
for _, each in ipairs(open_rolls(live)) do
  local other, roll = each[1], each[2]
  if other == txn then
    known = roll
  elseif roll.outcome == '' then
    return { 'busy', other, roll.decider, roll.deadline }
  end
end

local nodes, members = {}, 0
for node in pairs(known and known.nodes or live) do
  nodes[node], members = 'asked', members + 1
end
if not known then
  local deadline = digits(now_ms + tonumber(ARGV[3]))
  local roll = { deadline = deadline, decider = ARGV[2], owner = ARGV[4], outcome = '', nodes = nodes }
  redis.call('HSET', KEYS[2], txn, cjson.encode(roll))
  redis.call('HSET', KEYS[3], txn, ARGV[6])
  if members > 0 then redis.pcall('PUBLISH', ARGV[5], 'look') end
end
return { 'called', members }
