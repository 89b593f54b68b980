-- What every process hears of the entries that a script has changed: one message with all of them, as JSON [key, version, key, version, ...].
--   key the user's, without its prefix   version the smallest that a copy may have and still be current, '' when none may be kept

local told, told_on = {}, nil

-- Notes a change; the entry key is '<namespace>:e:<key>', and a namespace has no colon. version is digits, or ''.
local function tell(entry, version)
  local namespace, key = string.match(entry, '^([^:]+):e:(.*)$')
  if not namespace then return end
  told_on = namespace .. ':in:e'
  told[#told + 1] = key
  told[#told + 1] = version
end

-- Called when every write is done: a user without the channel permission has written all the same.
local function end_telling()
  if told_on then redis.pcall('PUBLISH', told_on, cjson.encode(told)) end
end
