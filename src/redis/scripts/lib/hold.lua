-- A lock is one hash, so that owner, fence and queue can never part:
--   t token of the owner ('' while min-hold blocks the name)   x end of the lease, ms of server time
--   o inbox of the owner's process, which carries its label   a acquired at, ms         f fence, kept after release
--   h, q numbers of the last entry taken from and put into the queue, from the first waiter until the lock is free again
--   q:<n> token of entry n           w:<token> 'n deadline_ms claim_ms inbox' of a waiter
--   p '<token> <ms>': a commit over several slots relies on this holder until then, and no renewal makes it end before
-- The key's own TTL is always a day longer than the lease: it removes forgotten fences and decides nothing.

local FENCE_KEPT_MS = 86400000

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

-- When a lease that is renewed now ends; promise is the field p.
local function lease_end(promise, token, ends_ms)
  local holder, promised_ms = string.match(promise or '', '^(.*) (%d+)$')
  return holder == token and math.max(ends_ms, tonumber(promised_ms)) or ends_ms
end

local function free(key)
  redis.call('HDEL', key, 't', 'x', 'a', 'o', 'h', 'q', 'p')
end
