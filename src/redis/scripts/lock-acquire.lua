#!lua
-- Takes every name, or queues at the first busy one (protocol section 1).
-- Atomic because the fence must be minted, and the place in the queue decided, by the step that sees who holds the lock.
-- KEYS    the lock hashes, in the order in which every process takes them
-- ARGV    1 token  2 inbox channel of the caller  3 lease ms  4 claim ms  5 queue ms (0: all or none, never queue)
--         6 waiters a name admits  7.. the names
-- RETURNS {'acquired', fence} | {'queued', index, remaining ms, stored fence} | {'busy', index, remaining ms} | {'full', index}
-- WRITES  the lock hashes, with a TTL of lease + 1 day
-- Idempotent: the same token finds its own lock, or its own place in the queue.
--#include lib/time.lua
--#include lib/hold.lua

local token, inbox, lease_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now_us = server_time_us()
local now_ms = math.floor(now_us / 1000)
local free_name = #KEYS == 1 and redis.call('HMGET', KEYS[1], 't', 'q', 'f')
if free_name and not free_name[1] and not free_name[2] then
  -- One name, free, without a queue: the common case. All that follows would only cost time.
  local fence = next_fence(free_name[3], now_us)
  own(KEYS[1], token, inbox, lease_ms, fence, now_ms)
  return { 'acquired', fence }
end
--#include lib/queue.lua

local claim_ms, queue_ms, max_waiters = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local states, mine, fences, busy, remaining_ms, busy_waiter, beyond = {}, {}, {}, nil, 0, nil, {}
for i, key in ipairs(KEYS) do
  local state = redis.call('HMGET', key, 't', 'x', 'f', 'h', 'q', 'w:' .. token)
  local held = is_held(state[1], state[2], now_ms)
  states[i], fences[i] = state, tonumber(state[3] or 0)
  mine[i] = held and state[1] == token
  if busy then
    if mine[i] then beyond[#beyond + 1] = i end
  elseif not mine[i] then
    local first = not held and first_waiter(key, state[4], state[5], now_ms) or nil
    if held or (first and first ~= token) then
      busy, busy_waiter = i, first
      remaining_ms = held and tonumber(state[2]) - now_ms or 0
    end
  end
end

if busy and queue_ms == 0 then return { 'busy', busy, digits(remaining_ms) } end
if busy and not states[busy][6] and (redis.call('HLEN', KEYS[busy]) - QUEUE_FIELDS) / 2 >= max_waiters then
  if live_waiters(KEYS[busy], now_ms) >= max_waiters then return { 'full', busy } end
end

local last, all_mine, highest = busy and busy - 1 or #KEYS, true, 0
for i = 1, last do
  all_mine = all_mine and mine[i]
  highest = math.max(highest, fences[i])
end
local fence = all_mine and highest or next_fence(highest, now_us)
for i = 1, last do
  if states[i][6] then leave_queue(KEYS[i], token) end
  if mine[i] then
    local ends_ms = lease_end(redis.call('HGET', KEYS[i], 'p'), token, now_ms + lease_ms)
    redis.call('HSET', KEYS[i], 'x', digits(ends_ms), 'f', digits(busy and fences[i] or fence))
    redis.call('PEXPIREAT', KEYS[i], digits(ends_ms + FENCE_KEPT_MS))
  else
    own(KEYS[i], token, inbox, lease_ms, fence, now_ms)
  end
end
if not busy then return { 'acquired', fence } end

if busy_waiter then
  hand_over(KEYS[busy], ARGV[6 + busy], now_us, unpack(states[busy], 3, 5))
  local state = redis.call('HMGET', KEYS[busy], 'x', 'f')
  remaining_ms, fences[busy] = tonumber(state[1]) - now_ms, tonumber(state[2])
end
-- A name in front was taken away: what comes after it in the order is given up, or two callers could wait in a circle.
for _, i in ipairs(beyond) do hand_over(KEYS[i], ARGV[6 + i], now_us, unpack(states[i], 3, 5)) end
local seq = waiter(KEYS[busy], token)
if not seq then
  seq = redis.call('HINCRBY', KEYS[busy], 'q', 1)
  redis.call('HSET', KEYS[busy], 'q:' .. seq, token)
  redis.call('HSETNX', KEYS[busy], 'h', 0)
end
redis.call('HSET', KEYS[busy], 'w:' .. token, seq .. ' ' .. digits(now_ms + queue_ms) .. ' ' .. digits(claim_ms) .. ' ' .. inbox)
return { 'queued', busy, digits(remaining_ms), digits(fences[busy]) }
