-- The queue of a lock; see hold.lua for its fields.

local QUEUE_FIELDS = 7

-- seq, deadline_ms, claim_ms, inbox of a waiter, or nil.
local function waiter(key, token)
  local record = redis.call('HGET', key, 'w:' .. token)
  if not record then return nil end
  local seq, deadline, claim, inbox = string.match(record, '^(%d+) (%d+) (%d+) (.*)$')
  return seq, tonumber(deadline), tonumber(claim), inbox
end

-- Numbers given up in front are passed for good: a hand-over must not walk over everybody who ever left.
local function leave_queue(key, token)
  local seq = waiter(key, token)
  if not seq then return end
  redis.call('HDEL', key, 'q:' .. seq, 'w:' .. token)
  local ends = redis.call('HMGET', key, 'h', 'q')
  local head, tail = tonumber(ends[1]), tonumber(ends[2])
  while head < tail and not redis.call('HGET', key, 'q:' .. head + 1) do head = head + 1 end
  redis.call('HSET', key, 'h', head)
end

-- Token of the first waiter whose place has not lapsed, or nil. Reads only. head and tail are the fields h and q.
local function first_waiter(key, head, tail, now_ms)
  for n = tonumber(head or 0) + 1, tonumber(tail or 0) do
    local token = redis.call('HGET', key, 'q:' .. n)
    if token then
      local _, deadline = waiter(key, token)
      if deadline and deadline > now_ms then return token end
    end
  end
  return nil
end

-- How many places have not lapsed; the others are given up. One command for all: refusing a flood of callers must stay cheap.
local function live_waiters(key, now_ms)
  local fields, live = redis.call('HGETALL', key), 0
  for n = 1, #fields, 2 do
    local queued = string.match(fields[n], '^w:(.*)$')
    local deadline = queued and tonumber(string.match(fields[n + 1], '^%d+ (%d+)'))
    if queued and deadline > now_ms then live = live + 1 elseif queued then leave_queue(key, queued) end
  end
  return live
end

-- Gives the lock to the first live waiter and tells its process; frees it when there is none. The last three are f, h and q.
local function hand_over(key, name, now_us, stored_fence, head, tail)
  local now_ms = math.floor(now_us / 1000)
  for n = tonumber(head or 0) + 1, tonumber(tail or 0) do
    local token = redis.call('HGET', key, 'q:' .. n)
    if token then
      local _, deadline, claim_ms, inbox = waiter(key, token)
      redis.call('HDEL', key, 'q:' .. n, 'w:' .. token)
      if deadline and deadline > now_ms then
        local fence = next_fence(stored_fence, now_us)
        redis.call('HSET', key, 'h', n)
        own(key, token, inbox, claim_ms, fence, now_ms)
        -- A hint only: a user without the channel permission still gets the lock, by polling.
        redis.pcall('PUBLISH', inbox, token .. ' ' .. digits(fence) .. ' ' .. name)
        return
      end
    end
  end
  free(key)
end
