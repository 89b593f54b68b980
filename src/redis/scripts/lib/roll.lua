-- What belongs to the participants of one name, in one slot; nothing of it has a TTL, so that no eviction of volatile keys can take it:
--   KEYS[1] members: node -> end of its lease, ms
--   KEYS[2] rolls: txn -> JSON of deadline (ms), decider, owner (its inbox), outcome ('' so far), and
--           nodes: each that has to act still -> 'asked', 'ready' or 'veto'
--   KEYS[3] payloads: txn -> what the nodes are told with it

-- The members of now; those whose lease has ended are removed.
local function live_members(now_ms)
  local fields, live = redis.call('HGETALL', KEYS[1]), {}
  for n = 1, #fields, 2 do
    if tonumber(fields[n + 1]) > now_ms then live[fields[n]] = true else redis.call('HDEL', KEYS[1], fields[n]) end
  end
  return live
end

-- 'waiting', 'ready', or 'vetoed' and by whom.
local function votes(roll)
  local state = 'ready'
  for node, answer in pairs(roll.nodes) do
    if answer == 'veto' then return 'vetoed', node end
    if answer == 'asked' then state = 'waiting' end
  end
  return state
end

-- A roll with an outcome goes with the last node that had to act on it. A hint only: a user without the channel permission polls.
local function keep_roll(txn, roll)
  if roll.outcome == '' then
    redis.call('HSET', KEYS[2], txn, cjson.encode(roll))
    local state = votes(roll)
    if state ~= 'waiting' then redis.pcall('PUBLISH', roll.owner, 'roll ' .. txn .. ' ' .. state .. ' ' .. string.match(KEYS[2], '{(.-)}')) end
  elseif next(roll.nodes) then
    redis.call('HSET', KEYS[2], txn, cjson.encode(roll))
  else
    redis.call('HDEL', KEYS[2], txn)
    redis.call('HDEL', KEYS[3], txn)
  end
end

local function read_roll(txn)
  local text = redis.call('HGET', KEYS[2], txn)
  return text and cjson.decode(text)
end

-- Nobody waits for a node that is no member: it does not act as one any more.
local function drop_lapsed(txn, roll, live)
  local lapsed = {}
  for node in pairs(roll.nodes) do
    if not live[node] then lapsed[#lapsed + 1] = node end
  end
  for _, node in ipairs(lapsed) do roll.nodes[node] = nil end
  if #lapsed > 0 then keep_roll(txn, roll) end
  return roll.outcome == '' or next(roll.nodes) ~= nil
end

-- {txn, roll} of each roll that is left.
local function open_rolls(live)
  local fields, open = redis.call('HGETALL', KEYS[2]), {}
  for n = 1, #fields, 2 do
    local roll = cjson.decode(fields[n + 1])
    if drop_lapsed(fields[n], roll, live) then open[#open + 1] = { fields[n], roll } end
  end
  return open
end
