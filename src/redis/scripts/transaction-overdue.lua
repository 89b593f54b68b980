#!lua flags=no-writes
-- Tells which transactions should have been closed by now, the oldest first.
-- Atomic because the time at which one is overdue is the server's own.
-- KEYS    1 list of the open transactions
-- ARGV    1 how many at most
-- RETURNS {transaction, ...}
-- WRITES  nothing
--#include lib/time.lua

return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', digits(math.floor(server_time_us() / 1000)), 'LIMIT', 0, ARGV[1])
