#!lua
-- Notes a transaction of several slots as on its way, for whoever clears up after its owner.
-- Atomic because the time at which it is overdue is the server's own.
-- KEYS    1 list of the open transactions
-- ARGV    1 the transaction  2 ms from now on until it is overdue
-- RETURNS OK
-- WRITES  the list, which has no TTL
-- Idempotent: a second call only moves the time.
--#include lib/time.lua

redis.call('ZADD', KEYS[1], digits(math.floor(server_time_us() / 1000) + tonumber(ARGV[2])), ARGV[1])
return 'OK'
