#!lua
-- The commit point of a transaction over several slots: writes its decision and applies its writes in this slot (protocol I4, I5).
-- Atomic because decision and abort record are one put-if-absent, and what is decided is seen at once.
-- KEYS    1 decision  2.. the prepared entries of this slot  then the entries that were only read
-- ARGV    1 number of prepared entries  2 txn id  3 TTL of an abort record in ms  4.. for each entry only read what is expected of it
-- RETURNS {'committed', version for each entry} | {'aborted'} | {'conflict', index, actual version, ...} | {'intent', index, intent}:
--         the last two among the entries only read, and nothing is decided
-- WRITES  the decision, which has no TTL, or an abort record with its TTL; the prepared entries with theirs
-- Idempotent: the decision answers a second call.
--#include lib/time.lua
--#include lib/entry.lua

local entries, txn = tonumber(ARGV[1]), ARGV[2]
local decision = redis.call('GET', KEYS[1])
if decision == 'aborted' then return { 'aborted' } end
if decision then
  local reply = { 'committed' }
  for version in string.gmatch(decision, '%d+') do reply[#reply + 1] = version end
  return reply
end

local now_ms = math.floor(server_time_us() / 1000)
local reply, intents = { 'committed' }, {}
for i = 1, entries do
  intents[i] = redis.call('HGET', KEYS[i + 1], 'i')
  local holder, deadline_ms, _, version = read_intent(intents[i])
  -- Past the deadline the locks of other slots may have gone, and with an intent gone the writes are not all here.
  if holder ~= txn or tonumber(deadline_ms) <= now_ms then
    redis.call('SET', KEYS[1], 'aborted', 'PX', ARGV[3])
    return { 'aborted' }
  end
  reply[i + 1] = version
end

local mismatches = { 'conflict' }
for i = entries + 1, #KEYS - 1 do
  local state = redis.call('HMGET', KEYS[i + 1], 'ver', 'i')
  if state[2] then return { 'intent', i - entries, state[2] } end
  local version = version_of(state[1])
  if not version then return redis.error_reply('WRONGTYPE an entry has a version that no commit wrote') end
  reply[i + 1] = digits(version)
  if not is_met(ARGV[i - entries + 3], version) then
    mismatches[#mismatches + 1] = i - entries
    mismatches[#mismatches + 1] = reply[i + 1]
  end
end
if #mismatches > 1 then return mismatches end

-- Nobody is told: prepare.lua did so, and who read since then met the intent and kept no copy.
for i = 1, entries do roll_forward(KEYS[i + 1], intents[i], now_ms) end
redis.call('SET', KEYS[1], 'committed ' .. table.concat(reply, ' ', 2))
return reply
