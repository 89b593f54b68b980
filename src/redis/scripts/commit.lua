#!lua
-- Applies a transaction whose keys and locks are all in this slot: everything or nothing, in one round trip (protocol section 3).
-- Atomic because no write may be seen without the others, nor after a version or a lock it relies on has changed.
-- KEYS    1 outcome record  2.. the entries  then the locks
-- ARGV    1 number of entries  2 TTL of the outcome record in ms (0: write none)
--         3.. for each entry five: kind (check put bump delete), expected ('': anything, '*': any entry, or a version,
--         0 for none), strategy (timestamp counter), ttl ms (0: for ever), value
--         then for each lock its token
-- RETURNS {'committed', version for each entry} | {'conflict', index, actual version, ...} | {'intent', index, intent}
--         | {'lock-lost', index of the lock} | {'aborted'}
-- WRITES  entries with their TTL, the outcome record with its TTL; tells what it wrote
-- Idempotent: the outcome record of the same transaction answers a second call.
--#include lib/time.lua
--#include lib/hold.lua
--#include lib/entry.lua
--#include lib/tell.lua

local entries, outcome_ttl_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local outcome = redis.call('GET', KEYS[1])
if outcome == 'aborted' then return { 'aborted' } end
if outcome then
  local reply = { 'committed' }
  for version in string.gmatch(outcome, '%d+') do reply[#reply + 1] = version end
  return reply
end

local now_us = server_time_us()
local now_ms = math.floor(now_us / 1000)
for i = entries + 2, #KEYS do
  local state = redis.call('HMGET', KEYS[i], 't', 'x')
  if not is_held(state[1], state[2], now_ms) or state[1] ~= ARGV[2 + entries * 5 + i - entries - 1] then
    return { 'lock-lost', i - entries - 1 }
  end
end

local versions, leases, waiters, mismatches = {}, {}, {}, { 'conflict' }
for i = 1, entries do
  local state = redis.call('HMGET', KEYS[i + 1], 'ver', 'i', 'f', 'fw')
  if state[2] then return { 'intent', i, state[2] } end
  leases[i], waiters[i] = state[3], state[4]
  versions[i] = version_of(state[1])
  -- Told here: an error in the middle of the writes would not take them back.
  if not versions[i] then return redis.error_reply('WRONGTYPE an entry has a version that no commit wrote') end
  if not is_met(ARGV[i * 5 - 1], versions[i]) then
    mismatches[#mismatches + 1] = i
    mismatches[#mismatches + 1] = digits(versions[i])
  end
end
if #mismatches > 1 then return mismatches end

local reply = { 'committed' }
for i = 1, entries do
  local kind, strategy, ttl_ms, value = ARGV[i * 5 - 2], ARGV[i * 5], ARGV[i * 5 + 1], ARGV[i * 5 + 2]
  local version, existed = versions[i], versions[i] > 0
  if kind == 'delete' then version = 0 elseif kind ~= 'check' then version = next_version(version, strategy, now_us) end
  reply[i + 1] = digits(version)
  if kind ~= 'check' then
    end_lease(KEYS[i + 1], leases[i], waiters[i])
    publish(KEYS[i + 1], kind, value, reply[i + 1], ttl_ms, existed)
    tell(KEYS[i + 1], kind == 'delete' and '' or reply[i + 1])
  end
end
if outcome_ttl_ms > 0 then redis.call('SET', KEYS[1], table.concat(reply, ' ', 2), 'PX', ARGV[2]) end
end_telling()
return reply
