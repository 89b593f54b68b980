#!lua flags=allow-oom
-- Tells what became of a transaction; past its deadline, when it is for this slot to decide and nothing is decided, it becomes aborted (protocol I5).
-- Atomic because decision and abort record are one put-if-absent: an owner that decides later must see it.
-- KEYS    1 decision  2 the entry that decides
-- ARGV    1 txn id  2 deadline of the intent that was met, in ms  3 TTL of an abort record in ms (0: another decides)
-- RETURNS {'committed'} | {'aborted'} | {'pending', server time in ms} | {'overdue'}
-- WRITES  an abort record with its TTL
-- Idempotent: what is decided stays decided.
--#include lib/time.lua
--#include lib/entry.lua

local decision = redis.call('GET', KEYS[1])
if decision then return { decision == 'aborted' and 'aborted' or 'committed' } end
local now_ms = math.floor(server_time_us() / 1000)
local holder, deadline_ms = read_intent(redis.call('HGET', KEYS[2], 'i'))
-- The deadline kept here is compared with the clock it comes from; another server's may differ.
if holder ~= ARGV[1] then deadline_ms = ARGV[2] end
if tonumber(deadline_ms) > now_ms then return { 'pending', digits(now_ms) } end
if tonumber(ARGV[3]) == 0 then return { 'overdue' } end
redis.call('SET', KEYS[1], 'aborted', 'PX', ARGV[3])
return { 'aborted' }
