#!lua flags=allow-oom
-- Gives names back, leaves queues, and hands each freed name to its first waiter (protocol section 1).
-- Atomic because comparing the token and freeing the lock apart would free somebody else's lock.
-- KEYS    the lock hashes
-- ARGV    1 token  2 min-hold ms (0: none)  3.. the names
-- RETURNS 'released' when every name was still held by the token, else 'lost'
-- WRITES  the lock hashes; only the fence stays, until its TTL of a day
-- Idempotent: a second call owns nothing any more, changes nothing and answers 'lost'.
--#include lib/time.lua
--#include lib/lock.lua

local token, min_hold_ms = ARGV[1], tonumber(ARGV[2])
local now_us = server_time_us()
local now_ms = math.floor(now_us / 1000)

local states = {}
for i, key in ipairs(KEYS) do states[i] = redis.call('HMGET', key, 't', 'x', 'a') end

local all_held = true
for i, key in ipairs(KEYS) do
  local state = states[i]
  if state[1] == token then
    all_held = all_held and is_held(state[1], state[2], now_ms)
    local blocked_ms = tonumber(state[3]) + min_hold_ms - now_ms
    if min_hold_ms > 0 and blocked_ms > 0 then
      redis.call('HSET', key, 't', '', 'o', '', 'x', digits(now_ms + blocked_ms))
      redis.call('PEXPIRE', key, digits(blocked_ms + FENCE_KEPT_MS))
    else
      hand_over(key, ARGV[2 + i], now_us)
    end
  else
    all_held = false
    leave_queue(key, token)
  end
end
return all_held and 'released' or 'lost'
