#!lua flags=allow-oom
-- Takes the intents of a decided transaction out of this slot: makes them visible, takes them back, or makes them void (protocol section 3).
-- Atomic because nobody may see some of the slot's writes, and a request that comes late must find that it is over.
-- KEYS    1 record of the transaction in this slot  2.. the entries
-- ARGV    1 txn id  2 committed, aborted, published or void  3 TTL of the record in ms (0: write none)
--         4.. for each entry the version that the owner prepared, or '' from anybody else
-- RETURNS OK
-- WRITES  the entries with their TTL; the record, committed or aborted, with its TTL unless there is one; tells what it drops
-- Idempotent: an entry without an intent of this transaction is settled already.
--#include lib/time.lua
--#include lib/entry.lua
--#include lib/tell.lua

local txn, verdict = ARGV[1], ARGV[2]
local now_ms = math.floor(server_time_us() / 1000)
local states = {}
-- All read before the first write: a key of another type would stop the script half-way.
for i = 2, #KEYS do states[i] = redis.call('HMGET', KEYS[i], 'ver', 'i') end
for i = 2, #KEYS do
  local state = states[i]
  if read_intent(state[2]) == txn then
    -- As in decide.lua nobody kept a copy since the prepare; void tells again, because whoever voids vouches for nothing.
    if verdict == 'void' then
      redis.call('UNLINK', KEYS[i])
      tell(KEYS[i], '')
    elseif verdict == 'aborted' then
      roll_back(KEYS[i], state[2], now_ms)
    else
      roll_forward(KEYS[i], state[2], now_ms)
    end
  elseif verdict == 'published' or verdict == 'void' then
    -- Evicted, lost in a failover, or made void by somebody else: nobody can tell how old what is here is (protocol I7).
    drop_value(KEYS[i], state[2])
    tell(KEYS[i], '')
  elseif verdict == 'committed' and not state[2] and (version_of(state[1]) or 0) < tonumber(ARGV[i + 2] ~= '' and ARGV[i + 2] or 0) then
    -- Likewise, and what is here, or what somebody loads for it, is older than what was committed.
    redis.call('UNLINK', KEYS[i])
    tell(KEYS[i], '')
  end
end
local outcome = (verdict == 'committed' or verdict == 'published') and 'committed' or 'aborted'
if tonumber(ARGV[3]) > 0 then redis.call('SET', KEYS[1], outcome, 'NX', 'PX', ARGV[3]) end
end_telling()
return 'OK'
