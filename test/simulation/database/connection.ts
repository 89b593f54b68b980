import type { Dice } from '../engine/dice.js';
import type { Scheduler } from '../engine/scheduler.js';
import type { Trace } from '../engine/trace.js';
import type { SimProcess } from '../world/sim-process.js';
import { Backend, type RowIsolation } from './backend.js';
import { connectionLost } from './database-error.js';
import type { DatabaseProfile } from './database-profile.js';
import type { SimDatabase } from './sim-database.js';

/** What becomes of one statement: a connection repeats nothing, and whatever goes wrong ends it. */
type Fate = 'arrives' | 'request lost' | 'answer lost';

/** How long either side may take to notice that the other one is gone. */
const NOTICED_MS = { least: 1, most: 3_000 };
/** Far later than anybody waits. */
const LATEST_MS = 15_000;
const REFUSED_AFTER_MS = 0.1;

/** Ways from processes to the database, and what goes wrong on them. */
export class DatabaseLink {
  private readonly connections = new Set<Connection>();
  private isHealed = false;

  constructor(
    readonly database: SimDatabase,
    readonly scheduler: Scheduler,
    private readonly dice: Dice,
    private readonly profile: DatabaseProfile,
    readonly trace: Trace | undefined,
    private readonly longestStallMs: number,
  ) {}

  /** @param isolation of the transaction that its first statement begins; undefined where each statement is one */
  connect(from: SimProcess, isolation?: RowIsolation): Connection {
    const connection = new Connection(this, from, isolation);
    this.connections.add(connection);
    return connection;
  }

  /** One statement, or several in one message, outside of any transaction. */
  async once<T>(from: SimProcess, what: string, data: unknown, statement: Statement<T>): Promise<T> {
    const connection = this.connect(from);
    try {
      return await connection.query(what, data, statement);
    } finally {
      connection.close();
    }
  }

  /** Its process has gone: what it has sent still arrives, and the server notices after a while. */
  abandon(process: SimProcess): void {
    for (const connection of this.connections) if (connection.from === process) connection.cut();
  }

  /** The session of an open transaction ends, as when somebody kills it, or the way to it breaks. */
  cutOne(): void {
    const open = [...this.connections];
    if (open.length > 0) this.dice.pick(open).cut();
  }

  heal(): void {
    this.isHealed = true;
  }

  closed(connection: Connection): void {
    this.connections.delete(connection);
  }

  fate(): Fate {
    if (this.isHealed || !this.dice.chance(this.profile.cuts)) return 'arrives';
    return this.dice.chance(0.5) ? 'request lost' : 'answer lost';
  }

  delayMs(): number {
    const { dice, profile } = this;
    if (!this.isHealed && dice.chance(profile.late)) return dice.scale(profile.delayMs, LATEST_MS);
    return dice.real(0.1, 1) * profile.delayMs;
  }

  /** How long a COMMIT takes to become visible; mostly no time. */
  stallMs(): number {
    const { dice, isHealed, profile } = this;
    return !isHealed && dice.chance(profile.stalls) ? dice.scale(profile.delayMs, this.longestStallMs) : 0;
  }

  noticeMs(): number {
    return this.dice.scale(NOTICED_MS.least, NOTICED_MS.most);
  }
}

/** What a statement does at the server. */
export type Statement<T> = (backend: Backend) => T | Promise<T>;

/** One connection of a process: statements go one after the other. */
export class Connection {
  private readonly backend: Backend;
  private isLost = false;

  constructor(
    private readonly link: DatabaseLink,
    readonly from: SimProcess,
    private readonly isolation: RowIsolation | undefined,
  ) {
    this.backend = new Backend(link.database, link.scheduler);
  }

  /** @throws DatabaseError; where the connection ends meanwhile, the statement may have run, or may still run */
  query<T>(what: string, data: unknown, statement: Statement<T>): Promise<T> {
    const { backend, from, link } = this;
    const { scheduler, trace } = link;
    trace?.note(scheduler.nowMs, from.name, `sql ${what}`, data);
    return new Promise((resolve, reject) => {
      const fail = (afterMs: number, error: unknown): void => {
        from.after(afterMs, () => {
          trace?.note(scheduler.nowMs, from.name, `sql ${what} fails`, error);
          reject(error instanceof Error ? error : new Error('the database threw', { cause: error }));
        });
      };
      if (this.isLost) {
        fail(REFUSED_AFTER_MS, connectionLost());
        return;
      }
      const fate = link.fate();
      if (fate !== 'arrives') {
        this.isLost = true;
        fail(link.noticeMs(), connectionLost());
      }
      if (fate === 'request lost') {
        this.cut();
        return;
      }
      this.arrive(link.delayMs(), () => {
        const noted = (words: string, shown?: unknown): void => {
          trace?.note(scheduler.nowMs, 'database', `${from.name} ${what} ${words}`, shown);
        };
        if (this.isolation !== undefined) backend.begin(this.isolation);
        backend
          .run(() => statement(backend))
          .then(
            (answer) => {
              noted('answers', answer);
              if (fate === 'answer lost') this.cut();
              else
                from.after(link.delayMs(), () => {
                  resolve(answer);
                });
            },
            (error: unknown) => {
              noted('refuses', error);
              if (fate === 'answer lost') this.cut();
              else fail(link.delayMs(), error);
            },
          );
      });
    });
  }

  /** The server notices after a while that nobody is there any more. */
  cut(): void {
    this.isLost = true;
    this.link.scheduler.after(this.link.noticeMs(), () => {
      this.backend.terminate(connectionLost());
    });
  }

  /** To be called when nothing is underway. */
  close(): void {
    this.link.closed(this);
    if (!this.isLost) this.backend.terminate(connectionLost());
  }

  private arrive(delayMs: number, run: () => void): void {
    const { database, scheduler } = this.link;
    const knock = (): void => {
      const waitMs = database.awayUntilMs - scheduler.nowMs;
      if (waitMs > 0) scheduler.after(waitMs, knock);
      else run();
    };
    scheduler.after(delayMs, knock);
  }
}
