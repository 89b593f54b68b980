import { afterEach, describe, expect, it } from '@jest/globals';
import { SetMetadata, type ContextType } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';
import type { Call } from '../../../src/pipeline/call.js';
import { closeApps, Hold, Lend, startApp, type Behaviour } from './start-app.js';

afterEach(closeApps);

const calls: Call[] = [];
afterEach(() => {
  calls.length = 0;
});
const record: Behaviour = (call, next) => {
  calls.push(call);
  return next();
};

/** A provider to Nest's injector, like gateways and resolvers. */
@SetMetadata('websockets:is_gateway', true)
@Hold(record)
class Handlers {
  @SetMetadata('microservices:pattern', ['message'])
  @Lend()
  message(...args: unknown[]): string {
    return `got ${args.length}`;
  }

  @SetMetadata('microservices:pattern', ['busy'])
  @Hold(async () => [])
  busy(): string {
    throw new Error('must not run');
  }

  @Hold(record)
  async external(...args: unknown[]): Promise<string> {
    return Promise.resolve(`got ${args.length}`);
  }
}

/** Nest's own way for GraphQL and message libraries to run a method behind guards, interceptors and filters. */
async function handlerOf(
  name: 'message' | 'busy' | 'external',
  type: string,
): Promise<(...args: unknown[]) => Promise<unknown>> {
  const { app } = await startApp({ providers: [Handlers] });
  const handlers = app.get(Handlers);
  return app
    .get(ExternalContextCreator)
    .create(handlers, handlers[name], name, undefined, undefined, undefined, undefined, undefined, type as ContextType);
}

const request = { headers: { 'x-tenant': 'acme' } };

describe('the call of a handler', () => {
  it.each([
    ['rpc', 'rpc', [{ id: 7 }, 'context'], { data: { id: 7 }, request: {} }],
    ['ws', 'ws', ['client', { id: 7 }], { data: { id: 7 }, request: {} }],
    ['graphql', 'graphql', ['parent', { id: 7 }, { req: request }, 'info'], { data: { id: 7 }, request }],
    ['graphql', 'graphql', ['parent', { id: 7 }, {}, 'info'], { data: { id: 7 }, request: {} }],
    ['rmq', 'rpc', [{ id: 7 }], { data: { id: 7 }, request: {} }],
  ])('on the transport %s is one of %s with its message', async (type, transport, args, expected) => {
    const handler = await handlerOf('message', type);
    await expect(handler(...args)).resolves.toBe(`got ${args.length}`);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({
      transport,
      target: Handlers,
      methodName: 'message',
      args,
      http: undefined,
      ...expected,
    });
  });

  it('answers undefined when a layer answers with nothing, instead of failing for want of a value', async () => {
    await expect((await handlerOf('busy', 'graphql'))({}, {}, {}, {})).resolves.toBeUndefined();
  });

  it('runs its layers once when a library calls a method that is wrapped on its instance', async () => {
    const handler = await handlerOf('external', 'rmq');
    await expect(handler('a', 'b')).resolves.toBe('got 2');
    expect(calls.map(({ transport }) => transport)).toEqual(['provider']);
  });
});
