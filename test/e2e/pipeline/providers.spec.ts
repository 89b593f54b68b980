import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
  SetMetadata,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Cron, Interval, ScheduleModule } from '@nestjs/schedule';
import { InvalidOptionsError } from '../../../src/base/errors.js';
import type { Call } from '../../../src/pipeline/call.js';
import { eventually } from '../../support/eventually.js';
import { closeApps, Hold, Lend, startApp, type Behaviour } from './start-app.js';

afterEach(closeApps);

const calls: Call[] = [];
afterEach(() => {
  calls.length = 0;
});
const seen = (): string[] =>
  calls.map(({ transport, target, methodName }) => `${transport} ${target.name}.${methodName}`);

const record: Behaviour = (call, next) => {
  calls.push(call);
  return next();
};

/** What booting these classes throws. */
async function refusal(metadata: Parameters<typeof startApp>[0]): Promise<Error> {
  const error: unknown = await startApp(metadata).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(InvalidOptionsError);
  return error as Error;
}

describe('a decorated method of a provider', () => {
  it('runs its layers when a controller calls it, inside those of the route', async () => {
    @Injectable()
    class Wallets {
      @Hold(record)
      async move(from: string, to: string): Promise<string> {
        return Promise.resolve(`${from} to ${to}`);
      }
      plain(): string {
        return 'plain';
      }
    }
    @Controller()
    class Transfers {
      constructor(@Inject(Wallets) private readonly wallets: Wallets) {}
      @Get()
      @Lend(record)
      async transfer(): Promise<string> {
        return `${await this.wallets.move('a', 'b')}, ${this.wallets.plain()}`;
      }
    }
    const { url } = await startApp({ controllers: [Transfers], providers: [Wallets] });
    expect(await (await fetch(url)).text()).toBe('a to b, plain');
    expect(seen()).toEqual(['http Transfers.transfer', 'provider Wallets.move']);
    expect(calls[1]?.args).toEqual(['a', 'b']);
    expect(calls[1]?.signal).toBe(calls[0]?.signal);
  });

  it('is wrapped once, though its class is provided in two modules, under an alias and by a factory', async () => {
    @Hold(record)
    class Wallets {
      async balance(): Promise<number> {
        return Promise.resolve(1);
      }
    }
    const shared = new Wallets();
    @Module({ providers: [{ provide: 'shared', useValue: shared }, Wallets], exports: ['shared', Wallets] })
    class A {}
    @Module({ providers: [{ provide: 'shared-too', useValue: shared }], exports: ['shared-too'] })
    class B {}
    const { app } = await startApp({
      imports: [A, B],
      providers: [
        { provide: 'alias', useExisting: Wallets },
        { provide: 'made', inject: [Wallets], useFactory: () => new Wallets() },
        { provide: 'nothing', useFactory: () => null },
        { provide: 'text', useValue: 'text' },
        { provide: 'bare', useValue: Object.create(null) },
        { provide: 'deep', useValue: Object.create(Object.create(null) as object) },
      ],
    });
    for (const token of ['shared', 'shared-too', 'alias', 'made', Wallets]) {
      calls.length = 0;
      await app.get<Wallets>(token).balance();
      expect([token, seen()]).toEqual([token, ['provider Wallets.balance']]);
    }
  });

  it('has its layers already in onModuleInit of modules that were imported earlier', async () => {
    const results: unknown[] = [];
    @Injectable()
    class Jobs implements OnModuleInit {
      @Hold(record)
      async nightly(): Promise<string> {
        return Promise.resolve('done');
      }
      @Lend(record)
      onModuleInit(): void {}
    }
    @Injectable()
    class Explorer implements OnModuleInit, OnApplicationBootstrap {
      private job: (() => Promise<string>) | undefined;
      constructor(@Inject(Jobs) private readonly jobs: Jobs) {}
      onModuleInit(): void {
        this.job = this.jobs.nightly.bind(this.jobs);
      }
      async onApplicationBootstrap(): Promise<void> {
        results.push(await this.job?.());
      }
    }
    @Module({})
    class Early {}
    await startApp({ imports: [{ module: Early, global: true, providers: [Jobs, Explorer] }] });
    expect(results).toEqual(['done']);
    expect(seen()).toEqual(['provider Jobs.onModuleInit', 'provider Jobs.nightly']);
  });

  it('runs its layers when @nestjs/schedule calls it, whichever module is imported first', async () => {
    let runs = 0;
    @Injectable()
    class Jobs {
      @Interval(5)
      @Hold(record)
      tick(): void {
        runs += 1;
      }
      @Hold(record)
      @Cron('* * * * * *')
      everySecond(): void {}
    }
    await startApp({ imports: [ScheduleModule.forRoot()], providers: [Jobs] });
    await eventually(() => runs > 0, { what: 'the first tick' });
    expect(seen()).toContain('provider Jobs.tick');
  });

  it('runs its layers on a controller too, where it is no handler', async () => {
    @Controller()
    @Lend(record)
    class Orders {
      @Get()
      async find(): Promise<string> {
        return `${await this.sweep()} ${this.helper()}`;
      }
      @Hold(record)
      async sweep(): Promise<string> {
        return Promise.resolve('swept');
      }
      helper(): string {
        return 'helped';
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    expect(await (await fetch(url)).text()).toBe('swept helped');
    expect(seen()).toEqual(['http Orders.find', 'provider Orders.sweep', 'provider Orders.sweep']);
  });

  it('is not wrapped on a gateway or resolver, whose handlers Nest runs behind the interceptor', async () => {
    @SetMetadata('websockets:is_gateway', true)
    @Hold(record)
    class Gateway {
      @SetMetadata('websockets:message_mapping', true)
      message(): string {
        return 'sync';
      }
      helper(): string {
        return 'sync';
      }
    }
    @SetMetadata('graphql:resolver_type', undefined)
    @Hold(record)
    class Resolver {
      @SetMetadata('graphql:resolver_type', 'Query')
      query(): string {
        return 'sync';
      }
    }
    const { app } = await startApp({ providers: [Gateway, Resolver] });
    expect([app.get(Gateway).message(), app.get(Gateway).helper(), app.get(Resolver).query()]).toEqual([
      'sync',
      'sync',
      'sync',
    ]);
    expect(seen()).toEqual([]);
  });
});

describe('a boot is refused', () => {
  it('for a request-scoped provider with a decorator, with the reason and the way out', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Wallets {
      @Hold(record)
      move(): void {}
    }
    const { message } = await refusal({ providers: [Wallets] });
    expect(message).toContain('Wallets.move is decorated, but its class is request-scoped');
    expect(message).toContain('Make it a singleton');
  });

  it('for a provider that is request-scoped through what is injected into it', async () => {
    @Injectable()
    class Wallets {
      constructor(@Inject(REQUEST) readonly request: unknown) {}
      @Hold(record)
      move(): void {}
    }
    expect((await refusal({ providers: [Wallets] })).message).toContain(
      'Wallets.move is decorated, but its class is request-scoped',
    );
  });

  it('for a transient provider with a decorator', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    @Hold(record)
    class Wallets {
      move(): void {}
    }
    expect((await refusal({ providers: [Wallets] })).message).toContain(
      'Wallets.move is decorated, but its class is transient',
    );
  });

  it('for a decorated method of a request-scoped controller that is no handler', async () => {
    @Controller({ scope: Scope.REQUEST })
    class Orders {
      @Hold(record)
      sweep(): void {}
    }
    expect((await refusal({ controllers: [Orders] })).message).toContain(
      'Orders.sweep is decorated, but its class is request-scoped',
    );
  });

  it('not for a request-scoped provider without decorators', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Wallets {
      move(): void {}
    }
    await expect(startApp({ providers: [Wallets] })).resolves.toBeDefined();
  });
});
