import { Redis } from 'ioredis';
import { LOOPBACK } from '../servers/start-server.js';
import type { HistoryEvent } from './event.js';
import { machineMs } from './recorder.js';

/**
 * What a lock of this library is told to protect outside of it: it takes a write only with a fence that is not smaller
 * than the last one, and keeps a log of every write in its own order. It lives in a Redis that no fault touches, so that
 * several processes can share it.
 */
export class FencedRegister {
  private readonly redis: Redis;

  constructor(
    port: number,
    private readonly resource: string,
  ) {
    this.redis = new Redis({ host: LOOPBACK, port, disconnectTimeout: 0 });
  }

  /** Whether the write was accepted. */
  async write(fence: number, op: string): Promise<boolean> {
    return (await this.redis.eval(WRITE, 2, `${this.resource}:last`, `${this.resource}:log`, fence, op)) === 1;
  }

  /** Every write so far, accepted or not. */
  async history(): Promise<HistoryEvent[]> {
    const log = await this.redis.lrange(`${this.resource}:log`, 0, -1);
    return log.map((line, seq) => {
      const [isAccepted = '', fence = '', ...op] = line.split(' ');
      return {
        kind: 'guarded-write',
        atMs: machineMs(),
        actor: 'register',
        resource: this.resource,
        seq,
        fence: Number(fence),
        op: op.join(' '),
        isAccepted: isAccepted === '1',
      };
    });
  }

  close(): void {
    this.redis.disconnect();
  }
}

const WRITE = `
local is_accepted = tonumber(ARGV[1]) >= tonumber(redis.call('GET', KEYS[1]) or 0) and 1 or 0
if is_accepted == 1 then redis.call('SET', KEYS[1], ARGV[1]) end
redis.call('RPUSH', KEYS[2], is_accepted .. ' ' .. ARGV[1] .. ' ' .. ARGV[2])
return is_accepted
`;
