#!lua flags=allow-oom
-- Renews the lease of a member, or makes it one, and tells which rolls are open.
-- Atomic because a node must be in every roll call that is not among what it is told here.
-- KEYS    1 members  2 rolls  3 payloads
-- ARGV    1 node  2 lease ms  3 '1' to become a member  4 the same node in a membership that has ended, or ''
-- RETURNS {'lost'} | {'member', for each roll txn, decider, deadline ms, ms left, outcome or '', answer of this node or '', '1' with
--         payload or '0' and ''}
-- WRITES  members and rolls, which have no TTL
-- Idempotent: a second call moves the end of the lease.
--#include lib/time.lua
--#include lib/roll.lua

local node, now_ms = ARGV[1], math.floor(server_time_us() / 1000)
if ARGV[4] ~= '' then redis.call('HDEL', KEYS[1], ARGV[4]) end
local live = live_members(now_ms)
if ARGV[3] == '1' then live[node] = true end
local open = open_rolls(live)
if not live[node] then return { 'lost' } end
redis.call('HSET', KEYS[1], node, digits(now_ms + tonumber(ARGV[2])))

local reply = { 'member' }
for _, each in ipairs(open) do
  local txn, roll = each[1], each[2]
  local answer = roll.nodes[node] or ''
  local payload = answer == 'asked' and redis.call('HGET', KEYS[3], txn)
  local left_ms = math.max(0, tonumber(roll.deadline) - now_ms)
  for _, field in ipairs({ txn, roll.decider, roll.deadline, digits(left_ms), roll.outcome, answer, payload and '1' or '0', payload or '' }) do
    reply[#reply + 1] = field
  end
end
return reply
