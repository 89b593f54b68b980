-- An entry is one hash, so that everything about a key changes in one step (protocol I1):
--   v value, when it has one   ver its version, when it is committed   iv value of a prepared write
--   i a prepared write, not yet visible: 'txn deadline_ms kind version ttl_ms expires_ms [decider,anchor]', where the brackets are
--     for clients, and expires_ms is when the committed value ends: the key itself has no TTL meanwhile, so that no eviction of volatile keys can take the write
--   f token of whoever loads a value for it   fdl until when others leave that to it, ms
--   fw inboxes of the processes that wait for it, one a line: every write of the key ends all three
--   s 'version stale_ms': from when on the value of that version should be loaded anew, where it has to be; no other version's
-- A key with a prepared write has no TTL; any other one has its entry's.

-- The committed version, 0 for none; nil for one that no commit wrote: above 2^53 it could not be answered.
local function version_of(stored)
  local version = string.match(stored or '0', '^%d+$') and tonumber(stored or 0)
  return version and version <= 2 ^ 53 - 2 and version or nil
end

-- expected is '' for anything, '*' for any entry, or a version, 0 for none.
local function is_met(expected, version)
  return expected == '' or (expected == '*' and version > 0) or tonumber(expected) == version
end

local function next_version(version, strategy, now_us)
  if version > 0 and strategy == 'counter' then return version + 1 end
  return math.max(version + 1, now_us)
end

-- When the value of this version gets stale, as digits; nil for never.
local function stale_from(stored, version)
  local of, stale_ms = string.match(stored or '', '^(%d+) (%d+)$')
  return of == version and stale_ms or nil
end

-- Nobody who began to load before may fill the key after (protocol I3); token and waiters are the fields f and fw. Who waits gets a hint, or asks again.
local function end_lease(key, token, waiters)
  if not token then return end
  redis.call('HDEL', key, 'f', 'fdl', 'fw')
  for inbox in string.gmatch(waiters or '', '[^\n]+') do redis.pcall('PUBLISH', inbox, 'fill ' .. token) end
end

-- Makes a write visible on a key that has no TTL to lose or keeps the one it has; ttl_ms is digits.
local function publish(key, kind, value, version, ttl_ms, existed)
  if kind == 'delete' then
    redis.call('UNLINK', key)
  elseif kind == 'put' then
    redis.call('HSET', key, 'v', value, 'ver', version)
  else
    redis.call('HSET', key, 'ver', version)
  end
  if kind == 'put' or (kind == 'bump' and not existed) then
    if tonumber(ttl_ms) > 0 then redis.call('PEXPIRE', key, ttl_ms) elseif existed then redis.call('PERSIST', key) end
  end
end

-- txn, deadline_ms, kind, version, ttl_ms, expires_ms of a prepared write; all but kind and txn as digits.
local function read_intent(intent)
  return string.match(intent or '', '^(%S+) (%d+) (%l+) (%d+) (%d+) (%d+) ')
end

-- Makes the prepared write of a key visible.
local function roll_forward(key, intent, now_ms)
  local state = redis.call('HMGET', key, 'ver', 'iv')
  local _, _, kind, version, ttl_ms, expires_ms = read_intent(intent)
  local ends_ms = tonumber(expires_ms)
  local existed = state[1] and (ends_ms == 0 or ends_ms > now_ms)
  redis.call('HDEL', key, 'i', 'iv')
  if kind == 'bump' and state[1] and not existed then redis.call('HDEL', key, 'v') end
  publish(key, kind, state[2], version, ttl_ms, existed)
  if kind == 'bump' and existed and ends_ms > 0 then redis.call('PEXPIREAT', key, expires_ms) end
end

-- Takes the value of a key, which nobody can vouch for; somebody's prepared write stays.
local function drop_value(key, intent)
  if intent then redis.call('HDEL', key, 'v', 'ver', 's') else redis.call('UNLINK', key) end
end

-- Takes the prepared write of a key back, and gives the committed value its end again.
local function roll_back(key, intent, now_ms)
  local _, _, _, _, _, expires_ms = read_intent(intent)
  redis.call('HDEL', key, 'i', 'iv')
  if tonumber(expires_ms) > 0 then redis.call('PEXPIREAT', key, expires_ms) end
end
