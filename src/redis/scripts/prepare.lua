#!lua
-- Makes the writes of a transaction in this slot wait as intents, which nobody sees yet: all or none (protocol section 3).
-- Atomic because an intent may only stand where every version and lock it relies on held in the same moment.
-- KEYS    1 record of the transaction in this slot  2.. the entries  then the locks
-- ARGV    1 number of entries  2 txn id  3 for who meets the intents: [decider,anchor]  4 ms, from now on, in which only the owner may decide
--         5 ms that the locks last at least  6.. for each entry five, as in commit.lua  then for each lock its token
-- RETURNS {'prepared', version of each write, of a deletion too} | {'conflict', index, actual version, ...} | {'intent', index, intent}
--         | {'lock-lost', index of the lock} | {'aborted'}: the transaction is over in this slot
-- WRITES  i and iv of the entries, which have no TTL until they are settled; x and p of the locks, which end later if at all; tells the intents
-- Idempotent: intents of the same transaction answer again what the first call did.
--#include lib/time.lua
--#include lib/hold.lua
--#include lib/entry.lua
--#include lib/tell.lua

local entries, txn = tonumber(ARGV[1]), ARGV[2]
if redis.call('EXISTS', KEYS[1]) == 1 then return { 'aborted' } end
local now_us = server_time_us()
local now_ms = math.floor(now_us / 1000)
for i = entries + 2, #KEYS do
  local state = redis.call('HMGET', KEYS[i], 't', 'x')
  if not is_held(state[1], state[2], now_ms) or state[1] ~= ARGV[5 + entries * 5 + i - entries - 1] then
    return { 'lock-lost', i - entries - 1 }
  end
end

local reply, versions, leases, waiters, mismatches = { 'prepared' }, {}, {}, {}, { 'conflict' }
for i = 1, entries do
  local state = redis.call('HMGET', KEYS[i + 1], 'ver', 'i', 'f', 'fw')
  leases[i], waiters[i] = state[3], state[4]
  local holder, _, _, staged = read_intent(state[2])
  if state[2] and holder ~= txn then return { 'intent', i, state[2] } end
  reply[i + 1] = staged
  versions[i] = version_of(state[1])
  if not versions[i] then return redis.error_reply('WRONGTYPE an entry has a version that no commit wrote') end
  if not staged and not is_met(ARGV[i * 5 + 2], versions[i]) then
    mismatches[#mismatches + 1] = i
    mismatches[#mismatches + 1] = digits(versions[i])
  end
end
if #mismatches > 1 then return mismatches end

for i = entries + 2, #KEYS do
  local ends_ms = math.max(tonumber(redis.call('HGET', KEYS[i], 'x')), now_ms + tonumber(ARGV[5]))
  local token = redis.call('HGET', KEYS[i], 't')
  redis.call('HSET', KEYS[i], 'x', digits(ends_ms), 'p', token .. ' ' .. digits(ends_ms))
  redis.call('PEXPIREAT', KEYS[i], digits(ends_ms + FENCE_KEPT_MS))
end
for i = 1, entries do
  local kind, strategy, ttl_ms, value = ARGV[i * 5 + 1], ARGV[i * 5 + 3], ARGV[i * 5 + 4], ARGV[i * 5 + 5]
  if not reply[i + 1] then
    local version = next_version(versions[i], strategy, now_us)
    end_lease(KEYS[i + 1], leases[i], waiters[i])
    local expires_ms = math.max(redis.call('PEXPIRETIME', KEYS[i + 1]), 0)
    local intent = { txn, digits(now_ms + tonumber(ARGV[4])), kind, digits(version), ttl_ms, digits(expires_ms), ARGV[3] }
    reply[i + 1] = intent[4]
    redis.call('HSET', KEYS[i + 1], 'i', table.concat(intent, ' '), 'iv', value)
    if expires_ms > 0 then redis.call('PERSIST', KEYS[i + 1]) end
    -- Now, not when it becomes visible: other slots learn of the decision later than the caller.
    tell(KEYS[i + 1], kind == 'delete' and '' or intent[4])
  end
end
end_telling()
return reply
