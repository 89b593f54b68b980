-- A lock is one hash, so that owner, fence and queue can never part:
--   t token of the owner ('' while min-hold blocks the name)   x end of the lease, ms of server time
--   o label of the owner's process   a acquired at, ms         f fence, kept after release
--   h, q numbers of the last entry taken from and put into the queue
--   q:<n> token of entry n           w:<token> 'n deadline_ms claim_ms inbox' of a waiter
-- The key's own TTL is always a day longer than the lease: it removes forgotten fences and decides nothing.

local FENCE_KEPT_MS = 86400000
local QUEUE_FIELDS = 7

local function is_held(token, expires_ms, now_ms)
  return token ~= nil and token ~= false and tonumber(expires_ms or 0) > now_ms
end

local function next_fence(stored, now_us)
  return math.max(tonumber(stored or 0) + 1, now_us)
end

local function own(key, token, owner, lease_ms, fence, now_ms)
  redis.call('HSET', key, 't', token, 'o', owner, 'x', digits(now_ms + lease_ms), 'a', digits(now_ms), 'f', digits(fence))
  redis.call('PEXPIRE', key, digits(lease_ms + FENCE_KEPT_MS))
end

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

-- Token of the first waiter whose place has not lapsed, or nil. Reads only.
local function first_waiter(key, now_ms)
  local ends = redis.call('HMGET', key, 'h', 'q')
  for n = tonumber(ends[1] or 0) + 1, tonumber(ends[2] or 0) do
    local token = redis.call('HGET', key, 'q:' .. n)
    if token then
      local _, deadline = waiter(key, token)
      if deadline and deadline > now_ms then return token end
    end
  end
  return nil
end

-- Gives the lock to the first live waiter and tells its process; frees it when there is none.
local function hand_over(key, name, now_us)
  local now_ms = math.floor(now_us / 1000)
  local state = redis.call('HMGET', key, 'h', 'q', 'f')
  for n = tonumber(state[1] or 0) + 1, tonumber(state[2] or 0) do
    local token = redis.call('HGET', key, 'q:' .. n)
    if token then
      local _, deadline, claim_ms, inbox = waiter(key, token)
      redis.call('HDEL', key, 'q:' .. n, 'w:' .. token)
      if deadline and deadline > now_ms then
        local fence = next_fence(state[3], now_us)
        redis.call('HSET', key, 'h', n)
        own(key, token, inbox, claim_ms, fence, now_ms)
        -- A hint only: a user without the channel permission still gets the lock, by polling.
        redis.pcall('PUBLISH', inbox, token .. ' ' .. digits(fence) .. ' ' .. name)
        return
      end
    end
  end
  redis.call('HDEL', key, 't', 'x', 'a', 'o', 'h', 'q')
end
