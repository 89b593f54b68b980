import { type Survey, surveyServers } from '../../redis/survey/survey.js';
import { type Command, parse } from '../command.js';
import { CONNECTION_HELP, CONNECTION_OPTIONS, connectionOf } from '../connection-arguments.js';
import { printed, printedJson, table } from '../printed.js';
import type { Finding } from './finding.js';
import { clockFindings, clusterFindings } from './group-findings.js';
import { serverFindings } from './server-findings.js';

const OPTIONS = { ...CONNECTION_OPTIONS, json: { type: 'boolean' } } as const;

const HELP = `nestjs-cache-txn doctor [options]

Looks at Redis as the library uses it: version, eviction, memory, persistence, replicas,
the permissions of the user, scripts, messages, the slots of a cluster and the clocks of
its masters. One line each:

  ok       as it should be
  warn     it works, and costs something
  wrong    locks or commits fail, or promise less than they say; exit code 1

It connects as the user that is given, so give the one of the application. It writes one
key of its own in the namespace, for a moment, and takes it away.

  --json                       one JSON object on each line: level, where, what, text

${CONNECTION_HELP}`;

/** Explains what is wrong with a Redis. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'explains what is wrong with a Redis, and what to do about it',
  help: HELP,
  async run(args, { out, env }) {
    const { values } = parse(args, OPTIONS);
    const { options, namespace, timeoutMs } = connectionOf(values, env);
    const findings = findingsOf(await surveyServers(options, { namespace, timeoutMs }), namespace);
    for (const line of values.json ? findings.map(printedJson) : lines(findings)) out(line);
    return findings.some(({ level }) => level === 'wrong') ? 1 : 0;
  },
};

/** Everything there is to say, in the order in which it is printed. */
function findingsOf({ cluster, servers }: Survey, namespace: string): readonly Finding[] {
  return [
    ...(cluster === undefined ? [] : clusterFindings(cluster)),
    ...servers.flatMap((server) => serverFindings(server, namespace, cluster !== undefined)),
    ...clockFindings(servers),
  ];
}

function lines(findings: readonly Finding[]): string[] {
  return table(findings.map(({ level, where, what, text }) => [level, where, what, text].map(printed)));
}
