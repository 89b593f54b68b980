-- Server time, the only clock that decides leases, deadlines and versions.
-- Numbers up to 2^53 are exact in Lua; microseconds since 1970 need 51 bits.

local function server_time_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- A number as Redis shall store or answer it: all digits, no exponent.
local function digits(number)
  return string.format('%.0f', number)
end
