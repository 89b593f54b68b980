import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  Get,
  ImATeapotException,
  Param,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { EMPTY, from, type Observable } from 'rxjs';
import { getText } from './observed-call.js';
import { ADAPTERS, closeApps, Hold, Lend, Outer, startApp } from './start-app.js';

afterEach(closeApps);

describe.each(ADAPTERS)('an error on %s', (adapter) => {
  const caught: unknown[] = [];
  @Catch()
  class Keep implements ExceptionFilter {
    catch(error: unknown, host: ArgumentsHost): void {
      caught.push(error);
      host
        .switchToHttp()
        .getResponse<{ status(code: number): { send(body: string): void } }>()
        .status(499)
        .send('kept');
    }
  }
  afterEach(() => {
    caught.length = 0;
  });

  it('of the method, a pipe or a layer reaches the filters as the very instance', async () => {
    const error = new (class Mine extends Error {})('mine');
    const thrower = {
      transform: () => {
        throw error;
      },
    };
    @Controller()
    @UseFilters(Keep)
    @Lend()
    @Outer()
    class Orders {
      @Get('method')
      @Hold()
      method(): void {
        throw error;
      }
      @Get('observable')
      @Hold()
      observable(): Observable<never> {
        return from(Promise.reject(error));
      }
      @Get('pipe/:id')
      @Hold()
      pipe(@Param('id', thrower) id: string): string {
        return id;
      }
      @Get('layer')
      @Hold(() => Promise.reject(error))
      layer(): void {}
      @Get('sync-layer')
      @Hold(() => {
        throw error;
      })
      syncLayer(): void {}
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    for (const path of ['method', 'observable', 'pipe/7', 'layer', 'sync-layer']) {
      caught.length = 0;
      expect(await getText(`${url}/${path}`)).toBe('kept');
      expect(caught).toHaveLength(1);
      expect(caught[0]).toBe(error);
    }
  });

  it('keeps its status without any filter, and an observable without values fails as it does without us', async () => {
    @Controller()
    @Hold()
    class Orders {
      @Get('teapot')
      teapot(): void {
        throw new ImATeapotException('short and stout');
      }
      @Get('empty')
      empty(): Observable<never> {
        return EMPTY;
      }
    }
    @Controller('bare')
    class Bare {
      @Get('empty')
      empty(): Observable<never> {
        return EMPTY;
      }
    }
    const { url } = await startApp({ controllers: [Orders, Bare] }, adapter);
    const teapot = await fetch(`${url}/teapot`);
    expect([teapot.status, await teapot.json()]).toMatchObject([418, { message: 'short and stout' }]);
    expect((await fetch(`${url}/empty`)).status).toBe((await fetch(`${url}/bare/empty`)).status);
  });
});
