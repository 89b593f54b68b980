#!lua flags=allow-oom
-- Takes the intents of a decided transaction out of this slot: makes them visible, or takes them back (protocol section 3).
-- Atomic because nobody may see some of the slot's writes, and a request that comes late must find that it is over.
-- KEYS    1 record of the transaction in this slot  2.. the entries
-- ARGV    1 txn id  2 committed or aborted  3 TTL of the record in ms (0: write none)
--         4.. for each entry the version that the owner prepared, or '' from anybody else
-- RETURNS OK
-- WRITES  the entries with their TTL; the record with its TTL unless there is one
-- Idempotent: an entry without an intent of this transaction is settled already.
--#include lib/time.lua
--#include lib/entry.lua

local txn, is_committed = ARGV[1], ARGV[2] == 'committed'
local now_ms = math.floor(server_time_us() / 1000)
local states = {}
-- All read before the first write: a key of another type would stop the script half-way.
for i = 2, #KEYS do states[i] = redis.call('HMGET', KEYS[i], 'ver', 'i') end
for i = 2, #KEYS do
  local state = states[i]
  if read_intent(state[2]) == txn then
    if is_committed then roll_forward(KEYS[i], state[2], now_ms) else roll_back(KEYS[i], state[2], now_ms) end
  elseif is_committed and not state[2] and state[1] and (version_of(state[1]) or 0) < tonumber(ARGV[i + 2] ~= '' and ARGV[i + 2] or 0) then
    -- Evicted, or lost in a failover: what is here is older than what was committed (protocol I7).
    redis.call('UNLINK', KEYS[i])
  end
end
if tonumber(ARGV[3]) > 0 then redis.call('SET', KEYS[1], ARGV[2], 'NX', 'PX', ARGV[3]) end
return 'OK'
