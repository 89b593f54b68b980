import { newId } from '../../base/random.js';
import { KeySpace } from '../../store/key-space.js';
import { adviceOn, reasonOf } from '../connection/connection-advice.js';
import { parseInfo } from '../connection/server-check.js';
import { probe, type Probed, refusalOf } from './permission-probe.js';
import { type ServerPlace, speaksTls, SurveyConnection, within } from './survey-connection.js';

/** What one server says of itself. */
export interface ServerSurvey extends Probed {
  /** Host and port, as they are printed. */
  readonly address: string;
  /** The lines of INFO; empty when the user may not see them. */
  readonly info: ReadonlyMap<string, string>;
  /** What CONFIG GET tells; empty when the user may not see it, which is as it should be. */
  readonly config: ReadonlyMap<string, string>;
  /** Why a published message did not arrive. */
  readonly messageFailure: string | undefined;
  /** How far the server's clock is before this machine's, and how wrong that may be; undefined when it does not tell. */
  readonly clock: { readonly aheadMs: number; readonly errorMs: number } | undefined;
}

/** A server that does not let itself be asked, and why. */
export interface AbsentServer {
  readonly address: string;
  readonly failure: string;
  /** What to do about it, in one clause. */
  readonly advice: string;
}

export interface SurveySettings {
  readonly namespace: string;
  /** For each question. */
  readonly timeoutMs: number;
}

const CONFIG = ['min-replicas-to-write', 'save', 'appendonly', 'maxmemory', 'maxmemory-policy'];

/** The quickest of so many answers tells the time best. */
const TIME_ROUNDS = 5;

/** Looks at one server; everything that it is asked has an end. */
export async function surveyServer(
  place: ServerPlace,
  address: string,
  { namespace, timeoutMs }: SurveySettings,
): Promise<ServerSurvey | AbsentServer> {
  const keys = new KeySpace(namespace);
  const id = `doctor-${newId()}`;
  const record = keys.outcome('{nestjs-cache-txn/doctor}', id);
  const names = { own: record, absent: `${record}-absent`, channel: keys.inbox(id) };
  let connection: SurveyConnection | undefined;
  try {
    connection = await SurveyConnection.open(place, timeoutMs);
    const info = parseInfo(await text(connection.ask('INFO')));
    const config = pairs(await connection.ask('CONFIG', 'GET', ...CONFIG).catch(() => []));
    const probed = await probe(connection, names);
    const messageFailure = await messageFailureOf(connection, place, names.channel, timeoutMs);
    const refusal = refusalOf('subscribe', messageFailure);
    return {
      ...{ address, info, config, ...probed },
      refusals: [...probed.refusals, ...(refusal ? [refusal] : [])],
      messageFailure: refusal ? undefined : messageFailure,
      clock: await clockOf(connection).catch(() => undefined),
    };
  } catch (error) {
    const failure = reasonOf(error as Error);
    return { address, failure, advice: adviceOn(failure, speaksTls(place)) };
  } finally {
    connection?.close();
  }
}

/** Whether a message of one connection reaches another one: hand-overs of locks travel like that. */
async function messageFailureOf(
  publisher: SurveyConnection,
  place: ServerPlace,
  channel: string,
  timeoutMs: number,
): Promise<string | undefined> {
  let listener: SurveyConnection | undefined;
  try {
    listener = await SurveyConnection.open(place, timeoutMs);
    const { client } = listener;
    const arrival = new Promise<void>((resolve) => {
      client.on('message', () => {
        resolve();
      });
    });
    await within(client.subscribe(channel), timeoutMs, 'SUBSCRIBE');
    const sent = await publisher.ask('PUBLISH', channel, 'doctor').then(
      () => undefined,
      (error: unknown) => (error as Error).message,
    );
    // That the user may not publish is told as such already.
    if (sent?.startsWith('NOPERM ')) return undefined;
    if (sent !== undefined) return sent;
    await within(arrival, timeoutMs, 'the message that was published');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    listener?.close();
  }
}

async function clockOf(connection: SurveyConnection): Promise<ServerSurvey['clock']> {
  let best: ServerSurvey['clock'];
  for (let round = 0; round < TIME_ROUNDS; round += 1) {
    const sentMs = localMs();
    const [seconds, micros] = (await connection.ask('TIME')) as [string, string];
    const errorMs = (localMs() - sentMs) / 2;
    const aheadMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - (sentMs + errorMs);
    if (best === undefined || errorMs < best.errorMs) best = { aheadMs, errorMs };
  }
  return best;
}

/** This machine's time when the process began, and what has passed since: nobody sets it during a survey. */
function localMs(): number {
  return performance.timeOrigin + performance.now();
}

/** What the user may not see is no failure here: it is refused by name elsewhere. */
async function text(answer: Promise<unknown>): Promise<string> {
  try {
    return String(await answer);
  } catch (error) {
    if ((error as Error).message.startsWith('NOPERM ')) return '';
    throw error;
  }
}

function pairs(reply: unknown): ReadonlyMap<string, string> {
  const fields = Array.isArray(reply) ? reply.map(String) : [];
  return new Map(fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? ''] as const] : [])));
}
