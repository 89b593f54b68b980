import { expect, it } from '@jest/globals';
import { Controller, Get, type INestApplication, Module, Version, VersioningType } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cached, CacheTxnModule, memoryStore } from 'nestjs-cache-txn';

function controller(version: string) {
  @Controller('cats')
  class CatsController {
    @Get()
    @Version(version)
    @Cached({ public: true })
    all() {
      return { version };
    }
  }
  return CatsController;
}

it('two versions of an API do not answer each other’s requests out of the cache', async () => {
  @Module({ controllers: [controller('1')] })
  class First {}
  @Module({ controllers: [controller('2')] })
  class Second {}
  @Module({ imports: [First, Second, CacheTxnModule.forRoot({ store: memoryStore() })] })
  class AppModule {}
  const app: INestApplication = await NestFactory.create(AppModule, { logger: false });
  app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' });
  await app.listen(0, '127.0.0.1');
  try {
    const url = `${await app.getUrl()}/cats`;
    const answers: unknown[] = [];
    for (const version of ['1', '2'])
      answers.push(await (await fetch(url, { headers: { 'x-version': version } })).json());
    expect(answers).toEqual([{ version: '1' }, { version: '2' }]);
  } finally {
    await app.close();
  }
});
