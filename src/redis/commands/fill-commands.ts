import type { FillOutcome, FillRequest, LeaseOutcome, LeaseRequest } from '../../store/fill-operations.js';
import type { KeySpace } from '../../store/key-space.js';
import type { CommandRunner } from './command-runner.js';
import { readIntent } from './entry-commands.js';
import { ReplyReader, unexpected } from './reply.js';
import { loadScript } from './script.js';

/** The operations behind loads after a miss; see `scripts/fill*.lua`. */
export class FillCommands {
  private readonly scripts = { lease: loadScript('fill-lease'), fill: loadScript('fill') };

  constructor(
    private readonly runner: CommandRunner,
    private readonly keys: KeySpace,
  ) {}

  async lease({ key, token, leaseMs, replaces, withTimes = false }: LeaseRequest): Promise<LeaseOutcome> {
    const args = [token, Math.ceil(leaseMs), replaces ?? '', withTimes ? 'times' : ''];
    const fields = await this.runner.script(this.scripts.lease, [this.keys.entry(key)], args);
    const reply = ReplyReader.of(fields, 'fill-lease');
    const kind = reply.text();
    switch (kind) {
      case 'hit':
        return readHit(reply);
      case 'leased':
        return { kind };
      case 'busy':
        return { kind, remainingMs: reply.number(), token: reply.text() };
      case 'intent': {
        const intent = readIntent(reply.text(), 'fill-lease');
        return { kind, intent, beside: { value: reply.optionalText(), version: reply.optionalNumber() ?? 0 } };
      }
      default:
        throw unexpected('fill-lease', 'an outcome', kind);
    }
  }

  async fill({ key, token, value, ttlMs, freshMs = 0, strategy }: FillRequest): Promise<FillOutcome> {
    const args = [token, ttlMs, strategy, freshMs, ...(value === undefined ? [] : [value])];
    const reply = ReplyReader.of(await this.runner.script(this.scripts.fill, [this.keys.entry(key)], args), 'fill');
    const kind = reply.text();
    if (kind === 'filled') return { kind, version: reply.number() };
    if (kind === 'ended' || kind === 'refused') return { kind };
    throw unexpected('fill', 'an outcome', kind);
  }
}

function readHit(reply: ReplyReader): LeaseOutcome {
  const hit = { kind: 'hit', value: reply.text(), version: reply.number() } as const;
  if (reply.isDone) return hit;
  const [nowMs, endsAtMs, staleAtMs] = [reply.number(), reply.number(), reply.number()];
  const never = (ms: number): number => (ms === 0 ? Number.POSITIVE_INFINITY : ms);
  return { ...hit, times: { nowMs, endsAtMs: never(endsAtMs), staleAtMs: never(staleAtMs) } };
}
