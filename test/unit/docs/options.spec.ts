import { describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { readFileSync } from 'node:fs';
import { Cached, CacheTxn, CacheTxnModule, Locked, Versioned, WarmsCache } from 'nestjs-cache-txn';
import { postgresMarkers } from 'nestjs-cache-txn/pg';
import { TxnWorld } from '../../support/txn-world.js';

const PAGE = new URL('../../../docs/options.md', import.meta.url);

interface Row {
  readonly names: readonly string[];
  readonly meaning: string;
}

/** The rows of the first table of a section, without its head. */
function rowsOf(section: string): Row[] {
  const [, text = ''] = readFileSync(PAGE, 'utf8').split(`\n## ${section}\n`);
  const [table = ''] = /^\| option [\s\S]*?(?=\n\n|\n$)/m.exec(text) ?? [];
  return table
    .split('\n')
    .slice(2)
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, names = '', _default, _values, meaning = '']) => ({
      names: [...names.matchAll(/`([\w.]+)`/g)].map(([, name = '']) => name),
      meaning,
    }));
}

/** The documented options that are for what is asked for, or for everything. */
function documented(section: string, except: RegExp): string[] {
  const rows = rowsOf(section).filter(({ meaning }) => !except.test(meaning));
  expect(rows.length).toBeGreaterThan(1);
  return rows.flatMap(({ names }) => names);
}

/** The options that a refusal of one that does not exist names. */
async function known(refuse: (options: object) => unknown): Promise<string[]> {
  const error: unknown = await Promise.resolve({ 'no such option': 1 })
    .then(refuse)
    .catch((caught: unknown) => caught);
  const [, names = ''] = /; it has (.*)$/.exec(String(error)) ?? [];
  return names.split(', ').sort();
}

/** Boots an application with these options of the module. */
async function boot(options: object): Promise<void> {
  @Module({ imports: [CacheTxnModule.forRoot(options)] })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  await app.close();
}

/** What can be decorated as a warmer. */
class Warmer {
  keys = (): readonly string[] => [];
  load = () => ({});
}

const unset = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, undefined]));

describe('docs/options.md', () => {
  it.each<[string, string, RegExp, (options: object) => unknown]>([
    ['@Locked', 'Locks', /^Calls only/, (options) => Locked('a', options)],
    ['@CacheTxn', 'Transactions', /^Calls only|^`runWithRetry` only/, (options) => CacheTxn(options)],
    ['@Versioned', 'Versions', /^Calls only/, (options) => Versioned({ ...options, resource: 'a' })],
    ['@Cached', 'Writes and loads', /^$/, (options) => Cached('a', options)],
    ['@WarmsCache', 'Warm-up', /^$/, (options) => WarmsCache('a', options)(Warmer)],
  ])('has the options that %s takes, and no other', async (decorator, section, except, apply) => {
    const ofAll = rowsOf('Locks').filter(({ meaning }) => /^Decorators only, all of them/.test(meaning));
    const names = [...new Set([...documented(section, except), ...ofAll.flatMap((row) => row.names)])];
    expect(() => apply(unset(names))).not.toThrow();
    expect({ [decorator]: await known(apply) }).toEqual({ [decorator]: names.sort() });
  });

  it('has the options that the markers of a database take, and no other', async () => {
    const source = { exec: () => Promise.resolve([]) };
    const names = documented('Databases', /^$/);
    expect(() => postgresMarkers(source, unset(names))).not.toThrow();
    expect(await known((wrong) => postgresMarkers(source, wrong))).toEqual(names.sort());
  });

  it('has the options that a load takes, and no other', async () => {
    const { cache } = await new TxnWorld().process();
    const names = documented('Writes and loads', /^`@Cached` /);
    await expect(cache.getOrLoad('a', () => 1, unset(names))).resolves.toBe(1);
    expect(await known((wrong) => cache.getOrLoad('a', () => 1, wrong))).toEqual(names.sort());
  });

  it('has the options that a read takes, and no other', async () => {
    const { cache } = await new TxnWorld().process();
    const names = rowsOf('Reads').flatMap((row) => row.names);
    await expect(cache.get('a', unset(names))).resolves.toBeUndefined();
    expect(await known((wrong) => cache.get('a', wrong))).toEqual(names);
  });

  it('has the options that the module takes, and no other', async () => {
    const own = documented('The module', /^$/);
    const parts = {
      lock: documented('Locks', /^Calls only|^Decorators only|^`@Locked` only/),
      txn: ['isolation', 'timeout'].filter((name) => documented('Transactions', /^$/).includes(name)),
      version: documented('Versions', /^$/).slice(0, 4),
      cache: documented('Writes and loads', /^Not of the module|^`@Cached` only/),
    };
    for (const [part, names] of Object.entries(parts)) {
      names.push(...own.filter((name) => name.startsWith(`${part}.`)).map((name) => name.slice(part.length + 1)));
      await expect(boot({ [part]: unset(names) })).resolves.toBeUndefined();
      expect({ [part]: await known((wrong) => boot({ [part]: wrong })) }).toEqual({ [part]: names.sort() });
    }
    const near = documented('Near cache', /^$/);
    await expect(boot({ cache: { near: unset(near) } })).resolves.toBeUndefined();
    expect(await known((wrong) => boot({ cache: { near: wrong } }))).toEqual(near.sort());
    const warmUp = documented('Warm-up', /^`@WarmsCache` only/);
    await expect(boot({ cache: { warmUp: unset(warmUp) } })).resolves.toBeUndefined();
    expect(await known((wrong) => boot({ cache: { warmUp: wrong } }))).toEqual(warmUp.sort());
    const shape = ['name', 'isGlobal', 'errorFilter'];
    const top = [...new Set(own.map((name) => name.split('.')[0] ?? ''))];
    await expect(boot(unset(top))).resolves.toBeUndefined();
    expect([...(await known(boot)), ...shape].sort()).toEqual(top.sort());
  });
});
