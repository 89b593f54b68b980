import { PROBES } from '../../redis/survey/permission-probe.js';
import type { ServerSurvey } from '../../redis/survey/server-survey.js';
import type { Find, Finding } from './finding.js';

/** Which of the documented permissions the user lacks. */
export function permissionFindings({ refusals }: ServerSurvey, find: Find, namespace: string): Finding[] {
  if (refusals.length === 0) {
    // SUBSCRIBE is tried on a connection of its own.
    return [
      find(
        'ok',
        'permissions',
        `the user may use all ${Object.keys(PROBES).length + 1} commands in the namespace ${namespace}`,
      ),
    ];
  }
  const of = (what: 'command' | 'keys' | 'channels') =>
    refusals.filter((refusal) => refusal.what === what).map(({ command }) => command);
  const [commands, keys, channels] = [of('command'), of('keys'), of('channels')];
  const grants = [
    ...commands.map((command) => `+${command}`),
    ...(keys.length > 0 ? [`~${namespace}:*`] : []),
    ...(channels.length > 0 ? [`&${namespace}:in:*`] : []),
  ];
  const lacks = [
    ...(commands.length > 0 ? [`may not use ${commands.join(', ')}`] : []),
    ...(keys.length > 0 ? [`may not touch the keys ${namespace}:*`] : []),
    ...(channels.length > 0 ? [`may not use the channels ${namespace}:in:*`] : []),
  ];
  return [
    find(
      'wrong',
      'permissions',
      `the user ${lacks.join(', and ')}: a script that needs it stops half-way, and Redis takes nothing back. ACL SETUSER <user> ${grants.join(' ')}`,
    ),
  ];
}
