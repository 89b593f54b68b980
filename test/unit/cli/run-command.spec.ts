import { describe, expect, it } from '@jest/globals';
import { command } from '../../support/processes/command-run.js';

const SECRET = 'hunter2';

describe('the command line', () => {
  it.each([
    ['nothing', [], 2],
    ['half a command', ['in-doubt'], 2],
    ['--help', ['--help'], 0],
    ['-h', ['-h'], 0],
    ['help of a group', ['in-doubt', '--help'], 0],
  ] as const)('with %s lists the commands', async (_, args, code) => {
    const run = await command(args);
    expect(run.code).toBe(code);
    expect([...run.out, ...run.err].join('\n')).toMatch(/^ {2}in-doubt resolve {2,}\w/m);
    expect(code === 0 ? run.err : run.out).toEqual([]);
  });

  it.each(['in-doubt list', 'in-doubt resolve', 'migrate', 'doctor'])('%s explains itself', async (name) => {
    const { code, out, err } = await command([...name.split(' '), '--help']);
    expect([code, err]).toEqual([0, []]);
    expect(out.join('\n')).toMatch(new RegExp(`^nestjs-cache-txn ${name}`));
  });

  it.each([
    ['an unknown command', ['frobnicate'], /no such command; there are doctor, in-doubt list, /],
    ['an unknown half', ['in-doubt', 'forget'], /no such command/],
    ['an unknown option', ['in-doubt', 'list', '--urll', 'x'], /Unknown option '--urll'/],
    ['an option without its value', ['in-doubt', 'list', '--url'], /--url/],
    ['an argument too many', ['in-doubt', 'list', 'x'], /it takes options only/],
    ['a missing argument', ['in-doubt', 'resolve', '--url', 'redis://h'], /<id> is missing/],
    ['two arguments for one', ['in-doubt', 'resolve', 'a', 'b'], /it takes <id> and options only/],
    ['no address', ['in-doubt', 'list'], /where is Redis\?/],
    ['two addresses', ['in-doubt', 'list', '--url', 'redis://h', '--cluster', 'h:1'], /give one of --url, --cluster/],
    ['a URL of something else', ['in-doubt', 'list', '--url', 'http://h'], /--url: it is no URL such as redis:/],
    ['a URL without a host', ['in-doubt', 'list', '--url', 'redis:///0'], /--url: it is no URL/],
    ['a node without a port', ['in-doubt', 'list', '--cluster', 'a:1,b'], /--cluster: address 2 is not host:port/],
    ['a port that is none', ['in-doubt', 'list', '--cluster', 'a:70000'], /address 1/],
    ['sentinels without a name', ['in-doubt', 'list', '--sentinel', 'a:1'], /--sentinel needs --sentinel-name/],
    [
      'a name without sentinels',
      ['in-doubt', 'list', '--url', 'redis://h', '--sentinel-name', 'm'],
      /goes with --sentinel/,
    ],
    [
      'a namespace that is none',
      ['in-doubt', 'list', '--url', 'redis://h', '--namespace', 'a:b'],
      /namespace "a:b" must be/,
    ],
    [
      'a time that is none',
      ['in-doubt', 'list', '--url', 'redis://h', '--timeout', 'soon'],
      /--timeout: 'soon' is no duration/,
    ],
    ['a time too short', ['in-doubt', 'list', '--url', 'redis://h', '--timeout', '1ms'], /outside 10 ms to 60000 ms/],
    ['a file that is not there', ['in-doubt', 'list', '--url', 'redis://h', '--ca', '/none.pem'], /--ca: .*\(ENOENT\)/],
    ['an option of the store', ['in-doubt', 'list', '--url', 'redis://h?commandTimeout=1'], /sets commandTimeout/],
    ['a table that is none', ['migrate', '--table', 'a; DROP'], /is no name of 1 to 50/],
    ['a database of another kind', ['migrate', '--database-url', 'mysql://h/d'], /--database-url: it is no URL/],
  ] as const)('refuses %s with exit code 2 and a hint', async (_, args, message) => {
    const { code, err } = await command(args);
    expect([code, err[0]]).toEqual([2, expect.stringMatching(message)]);
    expect(err[1]).toMatch(/^See nestjs-cache-txn .*--help$/);
    expect(err).toHaveLength(2);
  });

  it.each([
    ['as an argument', ['in-doubt', 'list', `redis://u:${SECRET}@h:6379`]],
    ['in a misspelt URL', ['in-doubt', 'list', '--url', `redi://u:${SECRET}@h:6379`]],
    ['in a misspelt option', ['in-doubt', 'list', `--ulr=redis://u:${SECRET}@h:6379`]],
    ['in an option that takes no value', ['in-doubt', 'list', `--json=${SECRET}`]],
    ['in a node', ['in-doubt', 'list', '--cluster', `u:${SECRET}@h:6379`]],
    ['in the URL of a database', ['migrate', '--database-url', `postgre://u:${SECRET}@h/d`]],
    ['as a command', [`redis://u:${SECRET}@h:6379`]],
  ])('G42: repeats no password that stands %s', async (_, args) => {
    const run = await command(args);
    expect(run.code).toBe(2);
    expect(JSON.stringify(run)).not.toContain(SECRET);
  });
});

describe('migrate', () => {
  it('prints the statements for the table that was named', async () => {
    const { code, out, err } = await command(['migrate', '--print', '--table', 'app.markers']);
    expect([code, err]).toEqual([0, []]);
    expect(out[0]).toBe('CREATE TABLE IF NOT EXISTS "app"."markers" (');
    expect(out.at(-1)).toBe('CREATE INDEX IF NOT EXISTS "markers_created_at" ON "app"."markers" (created_at);');
  });

  it('says that it needs pg, where that is not installed', async () => {
    const load = (name: string) => Promise.reject(new Error(`Cannot find package '${name}'`));
    const url = `postgres://u:${SECRET}@127.0.0.1:1/d`;
    const run = await command(['migrate', '--database-url', url], { load });
    expect(run).toEqual({ code: 1, out: [], err: ['error: --database-url needs the package pg: npm install pg'] });
  });
});
