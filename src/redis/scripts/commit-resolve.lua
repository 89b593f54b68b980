#!lua flags=allow-oom
-- Settles a commit whose answer was lost: tells its outcome, or makes it 'aborted' for good (protocol I5).
-- Atomic because outcome and refusal are one put-if-absent: a commit that arrives later must see it.
-- KEYS    1 outcome record
-- ARGV    1 TTL of an abort record in ms, far longer than a command can be delayed
-- RETURNS {'committed', versions} | {'aborted'}
-- WRITES  the outcome record with its TTL
-- Idempotent: the first answer stays the answer.

local outcome = redis.call('GET', KEYS[1])
if outcome and outcome ~= 'aborted' then
  local reply = { 'committed' }
  for version in string.gmatch(outcome, '%d+') do reply[#reply + 1] = version end
  return reply
end
redis.call('SET', KEYS[1], 'aborted', 'PX', ARGV[1])
return { 'aborted' }
