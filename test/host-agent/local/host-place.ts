/** A host that was enrolled with a control plane that nobody answers at: its folder, its journal, its agent as a program. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, type FSWatcher, mkdtempSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GateStore } from '../../../host-agent/gate/gate-store.ts';
import { FIRST_STATE, type GateState } from '../../../host-agent/gate/machine.ts';
import { saveHostConfig } from '../../../host-agent/host/host-config.ts';
import { createJournal, type JournalDatabase, openJournalInPlace } from '../../../host-agent/journal/journal.ts';
import { IdentityStore } from '../../../host-agent/link/identity-store.ts';
import { type KillRecord, readKillRecord } from '../../../shared/orders/kill-record.ts';
import { type Receipt, verifyReceipt } from '../../../shared/orders/receipt.ts';
import { reportCodec } from '../../../shared/rpc/definitions.ts';
import type { SigningKey } from '../../../shared/trust/keys.ts';

const MAIN = fileURLToPath(new URL('../../../host-agent/main.ts', import.meta.url));
const KILLED_AGENT = fileURLToPath(new URL('../../support/world-killed-agent.ts', import.meta.url));
const KILLED_COMMAND = fileURLToPath(new URL('killed-command.ts', import.meta.url));
export const HOST = 'devhost-1';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the control plane would hear: who wanted it, and what the host says. */
export interface ToldKill {
  readonly record: KillRecord;
  readonly receipt: Receipt;
}

export class HostPlace implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'keyturn-local-'));
  readonly state = join(this.folder, 'state');
  readonly killFile = join(this.state, 'KILL');
  readonly socket = join(this.state, 'agent.sock');
  readonly #hostKey: SigningKey;
  readonly #children: ChildProcess[] = [];

  /** Each of the applications has a gate that was never opened. */
  constructor(apps: readonly string[]) {
    const journal = createJournal(this.state);
    for (const app of apps) new GateStore(journal).save(app, FIRST_STATE);
    journal.close();
    this.#hostKey = new IdentityStore(join(this.state, 'identity')).makeLedgerKey();
    saveHostConfig(this.state, {
      schema: 'keyturn.agent/v1',
      host: HOST,
      gateway: '127.0.0.1:1',
      labels: {},
      installRoots: ['/opt/dot'],
      rootPrefix: this.folder,
    });
  }

  /** `keyturn-agent`, to its end. */
  async command(
    words: readonly string[],
    { env = {} }: { env?: Readonly<Record<string, string>> } = {},
  ): Promise<Ended> {
    return ended(this.#spawn([MAIN, '--state', this.state, ...words], env));
  }

  /** Resolves when it is ready. */
  async startAgent(): Promise<ChildProcess> {
    const child = this.#spawn([MAIN, '--state', this.state, 'run']);
    await saidFirst(child);
    return child;
  }

  /** An agent that sends itself SIGKILL when it comes to `boundary`; without one it runs on. */
  async startAgentUntil(boundary: string): Promise<ChildProcess> {
    const child = this.#spawn([KILLED_AGENT, this.state, boundary]);
    await this.#until(this.state, () => isSocketThere(this.socket, child));
    return child;
  }

  /** A kill without an agent that sends itself SIGKILL there. */
  async killUntil(boundary: string, app: string): Promise<Ended> {
    return ended(this.#spawn([KILLED_COMMAND, this.state, boundary, app]));
  }

  gate(app: string): GateState {
    return this.read((journal) => {
      const state = new GateStore(journal).read(app);
      if (state.state === 'unknown') throw new Error(state.reason);
      return state;
    });
  }

  /** All answers to kills that wait for the control plane, oldest first; each is verified. */
  told(): ToldKill[] {
    return this.read(toldIn(this.#hostKey.publicKeyPem));
  }

  /** How many kills are not told in full. */
  untoldCount(): number {
    return this.read((journal) => Number(journal.prepare('select count(*) from host_kills').pluck().get()));
  }

  read<T>(look: (journal: JournalDatabase) => T): T {
    const journal = openJournalInPlace(this.state);
    try {
      return look(journal);
    } finally {
      journal.close();
    }
  }

  /** Resolves once it holds; looked at after each change in the agent's folder. */
  async when(holds: () => boolean): Promise<void> {
    await this.#until(this.state, holds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) await stopped(child, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #until(folder: string, holds: () => boolean): Promise<void> {
    let watcher: FSWatcher | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const look = (): void => {
          try {
            if (holds()) resolve();
          } catch (error) {
            reject(error);
          }
        };
        watcher = watch(folder, look);
        watcher.on('error', reject);
        look();
      });
    } finally {
      watcher?.close();
    }
  }

  #spawn(argv: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const child = spawn(process.execPath, argv, {
      env: { PATH: process.env.PATH, KEYTURN_LOG: 'warn', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.push(child);
    return child;
  }
}

export async function stopped(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

export async function ended(child: ChildProcess): Promise<Ended> {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...output };
}

function toldIn(publicKey: string): (journal: JournalDatabase) => ToldKill[] {
  return (journal) => {
    const rows = journal.prepare<[], Buffer>('select bytes from outbox order by id').pluck().all();
    return rows.flatMap((bytes) => {
      const report = reportCodec.decode(bytes);
      if (report.kind !== 'orderReceipt') return [];
      const { order, receipt } = report.orderReceipt;
      const record = readKillRecord(order);
      if (!record) throw new Error('the answer is to no kill record');
      return [{ record, receipt: verifyReceipt(receipt, { host: HOST, publicKey, order }) }];
    });
  };
}

async function saidFirst(child: ChildProcess): Promise<void> {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('close', () => reject(new Error(`it ended before it was ready: ${errors}`)));
  });
}

function isSocketThere(path: string, child: ChildProcess): boolean {
  if (child.exitCode !== null) throw new Error('it ended before it listened');
  return existsSync(path);
}
