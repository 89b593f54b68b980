#!lua flags=allow-oom
-- Takes the lock from whoever holds it and hands it to the first waiter. For operators.
-- Atomic because the holder seen by the operator (its fence) must be the one that loses the lock.
-- KEYS    1 the lock hash
-- ARGV    1 name  2 fence of the holder to remove ('': whoever it is)
-- RETURNS 1 removed, 0 not held or held under another fence
-- WRITES  the lock hash
-- With a fence, idempotent: the next holder has another one.
--#include lib/time.lua
--#include lib/hold.lua
--#include lib/queue.lua

local now_us = server_time_us()
local state = redis.call('HMGET', KEYS[1], 't', 'x', 'f', 'h', 'q')
if not is_held(state[1], state[2], math.floor(now_us / 1000)) then return 0 end
if ARGV[2] ~= '' and tonumber(ARGV[2]) ~= tonumber(state[3]) then return 0 end
hand_over(KEYS[1], ARGV[1], now_us, unpack(state, 3, 5))
return 1
