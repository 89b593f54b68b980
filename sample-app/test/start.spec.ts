import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.js';
import { startPostgresServer } from '../../test/support/servers/postgres-server.js';
import { readConfig } from '../src/config.js';
import { type BoxOfficeProcess, spawnBoxOffice, startBoxOffice } from './support/box-office-process.js';
import { parseCurl } from './support/curl-line.js';
import { HttpClient } from './support/http-client.js';
import { fillIn, type NamedAnswers, readHttpFile } from './support/http-file.js';

/** What `npm start` runs after its builds, with nothing else installed. */
let office: BoxOfficeProcess;

beforeAll(async () => {
  office = await startBoxOffice({});
}, 60_000);

afterAll(async () => {
  await (office as BoxOfficeProcess | undefined)?.stop();
});

describe('npm start', () => {
  it('prints its address and three requests that work as they are', async () => {
    const lines = office
      .output()
      .split('\n')
      .map((line) => line.trim());
    const requests = lines.filter((line) => line.startsWith('curl ')).map(parseCurl);
    expect(requests.map(({ url, init }) => `${init.method} ${url}`)).toEqual([
      `GET ${office.url}/events/gala`,
      `POST ${office.url}/seats/gala-7/hold`,
      `POST ${office.url}/orders`,
    ]);

    const answers = [];
    for (const { url, init } of requests) {
      const response = await fetch(url, init);
      answers.push({ status: response.status, body: await response.json() });
    }

    expect(answers).toMatchObject([
      { status: 200, body: { id: 'gala', name: 'Opening gala' } },
      { status: 200, body: { id: 'gala-7', status: 'held', buyer: 'ada' } },
      { status: 201, body: { seatId: 'gala-7', buyer: 'ada', priceCents: 4500 } },
    ]);
  });

  it('answers every request of requests.http with the status that stands there', async () => {
    const requests = readHttpFile(new URL('../requests.http', import.meta.url));
    const answers: NamedAnswers = new Map();
    const got: string[] = [];
    for (const { title, expectedStatus, name, method, url, headers, body } of requests) {
      const filled = Object.entries(headers).map(([key, value]) => [key, fillIn(value, office.url, answers)]);
      const response = await fetch(fillIn(url, office.url, answers), {
        method,
        headers: Object.fromEntries(filled),
        ...(body !== undefined && { body }),
      });
      const text = await response.text();
      if (name !== undefined) answers.set(name, { headers: response.headers, body: JSON.parse(text) });
      got.push(title.replace(String(expectedStatus), String(response.status)));
    }

    expect(got.length).toBeGreaterThan(10);
    expect(got).toEqual(requests.map(({ title }) => title));
  });

  it('says which port is taken and what to do, and ends', async () => {
    const { port } = new URL(office.url);
    const postgres = await startPostgresServer();
    const second = spawnBoxOffice({ PORT: port, DATABASE_URL: postgres.url });
    try {
      await eventually(() => second.hasEnded(), { what: 'the end of the second process', withinMs: 60_000 });
      expect(second.output()).toContain(`address already in use 127.0.0.1:${port}`);
      expect(second.output()).toContain('PORT=3001 npm start');
    } finally {
      await second.stop();
      await postgres.stop();
    }
  }, 70_000);
});

describe('the API page', () => {
  it('is served at /docs, and its document describes every endpoint with its schemas', async () => {
    const http = new HttpClient(office.url);
    const page = await http.get('/docs');
    const { body } = await http.get('/docs-json');

    expect(page.status).toBe(200);
    expect(page.body).toContain('swagger-ui');
    const operations = Object.entries<object>(body.paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
    );
    expect(operations.sort()).toEqual([
      'GET /events',
      'GET /events/{id}',
      'GET /events/{id}/page',
      'GET /events/{id}/seats',
      'GET /orders/{id}',
      'GET /wallets/{id}',
      'PATCH /events/{id}',
      'POST /orders',
      'POST /seats/{id}/hold',
      'POST /transfers',
    ]);
    const { requestBody } = body.paths['/orders'].post;
    expect(requestBody.content['application/json'].schema).toMatchObject({ required: ['buyer', 'seatId'] });
  });
});

describe('the environment', () => {
  it('needs nothing: port 3000 of this machine, everything embedded', () => {
    expect(readConfig({ PORT: '', REDIS_URL: '' })).toEqual({ port: 3000, host: '127.0.0.1' });
  });

  it('chooses port, servers and interface', () => {
    const env = { PORT: '8080', HOST: '0.0.0.0', REDIS_URL: 'redis://cache', DATABASE_URL: 'postgres://u:p@sql/shop' };
    const config = { port: 8080, host: '0.0.0.0', redisUrl: 'redis://cache', databaseUrl: 'postgres://u:p@sql/shop' };
    expect(readConfig(env)).toEqual(config);
  });

  it('limits how long a call waits for Redis', () => {
    expect(readConfig({ REDIS_TIMEOUT: '250' })).toMatchObject({ redisTimeoutMs: 250 });
  });

  it('takes some nodes of a cluster', () => {
    const redisCluster = [
      { host: '10.0.0.1', port: 6379 },
      { host: 'b', port: 7000 },
    ];
    expect(readConfig({ REDIS_CLUSTER: '10.0.0.1:6379, b:7000' })).toMatchObject({ redisCluster });
  });

  it.each([
    [{ PORT: 'abc' }, 'PORT: must be a whole number from 0 to 65535'],
    [{ PORT: '70000' }, 'PORT: must be a whole number from 0 to 65535'],
    [{ REDIS_URL: 'localhost:6379' }, 'REDIS_URL: must start with redis://'],
    [{ REDIS_CLUSTER: 'a:1,redis://b:2' }, 'REDIS_CLUSTER: must be a list such as 10.0.0.1:6379,10.0.0.2:6379'],
    [{ REDIS_CLUSTER: 'a:1', REDIS_URL: 'redis://b' }, 'REDIS_CLUSTER: cannot be set beside REDIS_URL'],
    [{ REDIS_TIMEOUT: '5' }, 'REDIS_TIMEOUT: must be a whole number of milliseconds from 10 to 60000'],
    [{ DATABASE_URL: 'mysql://root:secret@sql' }, 'DATABASE_URL: must start with postgres://'],
  ])('refuses %j by name, without its value', (env, message) => {
    expect(() => readConfig(env)).toThrow(new Error(message));
  });
});
