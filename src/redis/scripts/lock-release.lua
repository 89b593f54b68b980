#!lua flags=allow-oom
-- Gives names back, leaves queues, and hands each freed name to its first waiter (protocol section 1).
-- Atomic because comparing the token and freeing the lock apart would free somebody else's lock.
-- KEYS    the lock hashes
-- ARGV    1 token  2 min-hold ms (0: none)  3.. the names
-- RETURNS 'released' when every name was still held by the token, else 'lost'
-- WRITES  the lock hashes; only the fence stays, until its TTL of a day
-- Idempotent: a second call owns nothing any more, changes nothing and answers 'lost'.
--#include lib/time.lua
--#include lib/hold.lua

local token, min_hold_ms = ARGV[1], tonumber(ARGV[2])
local now_us = server_time_us()
local now_ms = math.floor(now_us / 1000)
local only = #KEYS == 1 and min_hold_ms == 0 and redis.call('HMGET', KEYS[1], 't', 'q', 'x')
if only and only[1] == token and not only[2] then
  -- One name of ours without a queue: the common case. All that follows would only cost time.
  free(KEYS[1])
  return is_held(token, only[3], now_ms) and 'released' or 'lost'
end
--#include lib/queue.lua

local states = {}
for i, key in ipairs(KEYS) do states[i] = redis.call('HMGET', key, 't', 'x', 'f', 'h', 'q', 'a') end

local all_held = true
for i, key in ipairs(KEYS) do
  local state = states[i]
  if state[1] == token then
    all_held = all_held and is_held(state[1], state[2], now_ms)
    local blocked_ms = tonumber(state[6]) + min_hold_ms - now_ms
    if min_hold_ms > 0 and blocked_ms > 0 then
      redis.call('HSET', key, 't', '', 'o', '', 'x', digits(now_ms + blocked_ms))
      redis.call('PEXPIRE', key, digits(blocked_ms + FENCE_KEPT_MS))
    else
      hand_over(key, ARGV[2 + i], now_us, unpack(state, 3, 5))
    end
  else
    all_held = false
    leave_queue(key, token)
  end
end
return all_held and 'released' or 'lost'
