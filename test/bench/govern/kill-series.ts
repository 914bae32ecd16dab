/**
 * From a kill that is in an agent's hands to a gate that is closed for good, on a real journal: the directive is stored and the
 * gate's epoch raised, in one transaction. Beside it, on the same disk, what no durable answer to a message can do without: one
 * commit and one round trip.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import Database from 'better-sqlite3';
import { GateKeeper } from '../../../host-agent/gate/gate-keeper.ts';
import { GateStore } from '../../../host-agent/gate/gate-store.ts';
import { killsFirst } from '../../../host-agent/gate/take-kill.ts';
import { DirectiveLog } from '../../../host-agent/journal/directives.ts';
import { createJournal } from '../../../host-agent/journal/journal.ts';
import { encodeKillOrder } from '../../../shared/orders/kill-order.ts';
import { directiveCodec } from '../../../shared/rpc/definitions.ts';
import { NOW_MS, PEOPLE, STANDING, sign } from '../../support/enable-world.ts';
import { plainEnvironment } from '../measure/run-command.ts';
import { ServiceProcess } from '../measure/service-process.ts';
import type { Bench } from './bench.ts';

export interface KillRound {
  readonly killMs: number;
  readonly commitMs: number;
  readonly roundTripMs: number;
}

const SIDES = ['killMs', 'commitMs', 'roundTripMs'] as const;

export async function killRounds(bench: Bench): Promise<KillRound[]> {
  const folder = bench.newFolder('kill');
  using host = new KillHost(join(folder, 'agent'));
  using bare = new BareCommits(join(folder, 'bare.sqlite'));
  await using echo = new ServiceProcess([process.execPath, join(import.meta.dirname, 'echo.ts')], {
    env: plainEnvironment(folder),
    log: join(folder, 'echo.log'),
  });
  const socket = connect({ host: '127.0.0.1', port: Number(await echo.nextLine()), noDelay: true });
  await once(socket, 'connect');
  const sides: Readonly<Record<keyof KillRound, (bytes: Buffer) => number | Promise<number>>> = {
    killMs: (bytes) => timed(() => host.take(bytes)),
    commitMs: (bytes) => timed(() => bare.commit(bytes)),
    roundTripMs: (bytes) => timedRoundTrip(socket, bytes),
  };
  const rounds: KillRound[] = [];
  // The first of each side runs code that nothing has run before.
  for (let round = 0; round <= bench.scale.readings; round += 1) {
    const measured = { killMs: 0, commitMs: 0, roundTripMs: 0 };
    // Each side comes first as often as any other: whoever does finds a processor that has slept.
    for (const side of rotated(SIDES, round)) measured[side] = await sides[side](host.nextKill());
    rounds.push(measured);
  }
  socket.destroy();
  host.assertKilled(rounds.length);
  return rounds.slice(1);
}

/** The parts of an agent that a kill passes through. */
class KillHost implements Disposable {
  readonly #database;
  readonly #directives: DirectiveLog;
  #seq = 0;

  constructor(folder: string) {
    this.#database = createJournal(folder);
    const store = new GateStore(this.#database);
    const [nowMs, steadyMs] = [() => NOW_MS, () => NOW_MS];
    const keeper = new GateKeeper({ store, nowMs, steadyMs, onClosed: () => undefined });
    this.#directives = new DirectiveLog(this.#database, killsFirst(keeper));
  }

  nextKill(): Buffer {
    const reason = `kill ${this.#seq + 1}`;
    const order = encodeKillOrder({ app: STANDING.app, hosts: undefined, issuedAtMs: NOW_MS, reason });
    const kill = { app: STANDING.app, order: sign(order, [PEOPLE.carl.key]), reason };
    return Buffer.from(directiveCodec.encode({ kind: 'kill', kill }));
  }

  take(bytes: Buffer): void {
    this.#seq += 1;
    this.#directives.accept({ seq: this.#seq, bytes, message: directiveCodec.decode(bytes) });
  }

  assertKilled(count: number): void {
    const { epoch } = new GateStore(this.#database).read(STANDING.app) as { epoch?: number };
    if (epoch !== count) throw new Error(`${count} kills have brought the gate to epoch ${epoch}`);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** A row of the same bytes, as durable as the journal makes it. */
class BareCommits implements Disposable {
  readonly #database: Database.Database;
  readonly #insert;

  constructor(path: string) {
    this.#database = new Database(path);
    this.#database.pragma('journal_mode = WAL');
    this.#database.pragma('synchronous = FULL');
    this.#database.exec('create table rows (bytes blob not null) strict');
    this.#insert = this.#database.prepare<[Buffer]>('insert into rows (bytes) values (?)');
  }

  commit(bytes: Buffer): void {
    this.#insert.run(bytes);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const first = by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

async function timedRoundTrip(socket: Socket, bytes: Buffer): Promise<number> {
  const startedAtMs = performance.now();
  socket.write(bytes);
  for (let received = 0; received < bytes.length; ) received += (await once(socket, 'data'))[0].length;
  return performance.now() - startedAtMs;
}

function timed(work: () => void): number {
  const startedAtMs = performance.now();
  work();
  return performance.now() - startedAtMs;
}
