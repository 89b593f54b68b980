import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EmbeddedBoxOffice } from './support/embedded-box-office.js';
import type { HttpClient } from './support/http-client.js';

let office: EmbeddedBoxOffice;
let http: HttpClient;

beforeAll(async () => {
  office = await EmbeddedBoxOffice.start();
  ({ http } = office);
}, 60_000);

afterAll(async () => {
  await office.stop();
}, 20_000);

describe('the API page', () => {
  it('is served at /docs, and its document describes every endpoint with its schemas', async () => {
    const page = await http.get('/docs');
    const { body } = await http.get('/docs-json');

    expect(page.status).toBe(200);
    expect(page.body).toContain('swagger-ui');
    const operations = Object.entries<object>(body.paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
    );
    expect(operations.sort()).toEqual([
      'GET /events/{id}',
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
