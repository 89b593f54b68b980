import { afterEach, describe, expect, it } from '@jest/globals';
import { ConflictException, Controller, Get, Header, HttpCode, Post, Res } from '@nestjs/common';
import type { Call } from '../../../src/pipeline/call.js';
import { ADAPTERS, closeApps, Hold, Lend, Outer, startApp, type Behaviour } from './start-app.js';

afterEach(closeApps);

/** Answers in the method's place. */
const skip =
  (status: number): Behaviour =>
  async (call) => {
    call.http?.setStatus(status);
    return [];
  };

/** Runs the method, then answers something else. */
const replace =
  (status: number): Behaviour =>
  async (call, next) => {
    await next();
    call.http?.setStatus(status);
    call.http?.setHeader('ETag', '"7"');
    return [];
  };

const summary = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, init);
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    type: response.headers.get('content-type'),
    body: await response.text(),
  };
};

describe.each(ADAPTERS)('the answer of a layer on %s', (adapter) => {
  it.each([204, 304])(
    'with status %i wins over the method with an empty body, whether or not the method ran',
    async (status) => {
      @Controller()
      class Orders {
        @Get('skipped')
        @Hold(skip(status))
        skipped(): string {
          throw new Error('must not run');
        }
        @Post('skipped-by-a-lock')
        @HttpCode(202)
        @Lend(skip(status))
        @Hold()
        @Header('Content-Type', 'text/plain')
        skippedByALock(): string {
          throw new Error('must not run');
        }
        @Get('lock-only')
        @Lend(skip(status))
        lockOnly(): string {
          throw new Error('must not run');
        }
        @Get('replaced')
        @Outer(replace(status))
        replaced(): object {
          return { large: 'body' };
        }
      }
      const { url } = await startApp({ controllers: [Orders] }, adapter);
      const empty = { status, body: '', type: null, etag: null };
      expect(await summary(`${url}/skipped`)).toMatchObject(empty);
      expect(await summary(`${url}/skipped-by-a-lock`, { method: 'POST' })).toMatchObject({ status, body: '' });
      expect(await summary(`${url}/lock-only`)).toMatchObject(empty);
      expect(await summary(`${url}/replaced`)).toMatchObject({ ...empty, etag: '"7"' });
    },
  );

  it('may keep the body of the method under a status and headers of its own', async () => {
    @Controller()
    class Orders {
      @Post()
      @Hold(async (call, next) => {
        const emitted = await next();
        call.http?.setStatus(207);
        call.http?.setHeader('ETag', '"older"');
        call.http?.setHeader('etag', '"old"');
        call.http?.setHeader('ETag', '"8"');
        return emitted;
      })
      place(): object {
        return { id: 1 };
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    expect(await summary(url, { method: 'POST' })).toMatchObject({ status: 207, etag: '"8"', body: '{"id":1}' });
  });

  it('may be values of its own', async () => {
    @Controller()
    class Orders {
      @Get('owned')
      @Hold(async () => ['first', 'stored answer'])
      owned(): string {
        return 'fresh';
      }
      @Get('lent')
      @Lend(async () => ['stored answer'])
      lent(): string {
        return 'fresh';
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    expect((await summary(`${url}/owned`)).body).toBe('stored answer');
    expect((await summary(`${url}/lent`)).body).toBe('stored answer');
  });

  it('is forgotten when an outer layer fails: an error goes out without its status and headers', async () => {
    @Controller()
    class Orders {
      @Get()
      @Outer(async (_call, next) => {
        await next();
        throw new ConflictException('late');
      })
      @Hold(replace(204))
      find(): string {
        return 'found';
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    const answer = await summary(url);
    expect(answer.status).toBe(409);
    expect(answer.body).toContain('late');
    expect(answer.etag).not.toBe('"7"');
  });

  it.each<[string, (call: Call) => void]>([
    ['header', (call) => call.http?.setHeader('X-Note', 'a\r\nb')],
    ['status', (call) => call.http?.setStatus(9)],
  ])('with a %s that cannot be sent is an error, not a crash', async (_what, set) => {
    const behaviour: Behaviour = async (call, next) => {
      set(call);
      return next();
    };
    @Controller()
    class Orders {
      @Get('owned')
      @Hold(behaviour)
      owned(): string {
        return 'found';
      }
      @Get('lent')
      @Lend(behaviour)
      lent(): string {
        return 'found';
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    expect((await summary(`${url}/owned`)).status).toBe(500);
    expect((await summary(`${url}/lent`)).status).toBe(500);
  });
});

interface AnyResponse {
  send(body: string): unknown;
  status(code: number): AnyResponse;
}

describe.each(ADAPTERS)('a method that sends its own answer, on %s', (adapter) => {
  it('does so under a layer that does not own the answer', async () => {
    const ended: string[] = [];
    @Controller()
    class Orders {
      @Get()
      @Lend(async (_call, next) => {
        const emitted = await next();
        ended.push('lock released');
        return emitted;
      })
      async find(@Res() response: AnyResponse): Promise<void> {
        await Promise.resolve();
        response.status(203).send('own');
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    expect(await summary(url)).toMatchObject({ status: 203, body: 'own' });
    expect(ended).toEqual(['lock released']);
  });

  it('is answered for when a layer does not let it run, so that the client does not wait for ever', async () => {
    @Controller()
    class Orders {
      @Get('busy')
      @Lend(skip(204))
      busy(@Res() response: AnyResponse): void {
        response.send('must not run');
      }
      @Get('silent')
      @Lend(async () => [])
      silent(@Res() response: AnyResponse): void {
        response.send('must not run');
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    expect(await summary(`${url}/busy`)).toMatchObject({ status: 204, body: '' });
    expect(await summary(`${url}/silent`)).toMatchObject({ status: 204, body: '' });
  });

  it('keeps its own status with passthrough', async () => {
    @Controller()
    class Orders {
      @Get()
      @Hold()
      find(@Res({ passthrough: true }) response: AnyResponse): string {
        response.status(203);
        return 'found';
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    expect(await summary(url)).toMatchObject({ status: 203, body: 'found' });
  });
});
