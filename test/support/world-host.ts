/** One host of the world: folders, enrolment, and an agent that is started, stopped and started again. */
import { type FSWatcher, mkdirSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
import { type Agent, startAgent } from '../../host-agent/agent.ts';
import { enrolHost } from '../../host-agent/host/enrol-host.ts';
import { hostFolders } from '../../host-agent/host/host-config.ts';
import { SecretFolder } from '../../host-agent/host/secret-folder.ts';
import type { EnrolmentBundle } from '../../shared/rpc/enrolment-bundle.ts';
import { type Clock, systemClock } from '../../shared/time/clock.ts';
import { writeFiles } from './install-fixture.ts';
import { JournalReader } from './world-journal.ts';
import { INSTALL_ROOT, NEIGHBOUR_FILES, SECRET, SECRET_NAME } from './world-release.ts';

export interface AgentRunOptions {
  readonly atBoundary?: (boundary: string) => void;
  /** The host's own clock; the system's unless said. */
  readonly clock?: Clock;
  readonly steadyMs?: () => number;
}

/** What the owner of a host decides at its enrolment. */
export interface OwnersConfig {
  readonly installRoots: readonly string[];
}

/** One line of an agent's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** Stands for the death of the process. */
export class Crash extends Error {
  constructor(boundary: string) {
    super(`crashed at "${boundary}"`);
  }
}

export class WorldHost implements AsyncDisposable {
  readonly name: string;
  /** Holds all of the host. */
  readonly folder: string;
  readonly stateDirectory: string;
  readonly rootPrefix: string;
  /** Everything that its agents have logged. */
  readonly log: LogLine[] = [];
  readonly #listeners = new Set<(line: LogLine) => void>();
  #agent: Agent | undefined;

  constructor(folder: string, name: string) {
    this.name = name;
    this.folder = folder;
    this.stateDirectory = join(folder, 'agent');
    this.rootPrefix = join(folder, 'root');
    mkdirSync(this.installRoot, { recursive: true, mode: 0o755 });
    writeFiles(this.installRoot, NEIGHBOUR_FILES);
  }

  get installRoot(): string {
    return join(this.rootPrefix, INSTALL_ROOT);
  }

  async enrol(bundle: EnrolmentBundle, { installRoots = [INSTALL_ROOT] }: Partial<OwnersConfig> = {}): Promise<void> {
    const config = { installRoots: [...installRoots], labels: { env: 'test' }, rootPrefix: this.rootPrefix };
    await enrolHost(this.stateDirectory, { bundle, config, now: new Date() });
    this.writeSecret(SECRET_NAME, SECRET);
  }

  writeSecret(name: string, value: string): void {
    new SecretFolder(hostFolders(this.stateDirectory).secrets).write(name, Buffer.from(value));
  }

  removeSecret(name: string): void {
    rmSync(join(hostFolders(this.stateDirectory).secrets, name));
  }

  /** The real agent. Its waits are the shortest that it draws. */
  async startAgent({ atBoundary, clock = systemClock, steadyMs }: AgentRunOptions = {}): Promise<Agent> {
    const agent = await startAgent({
      stateDirectory: this.stateDirectory,
      clock,
      random: () => 0,
      log: this.#logger(),
      ...(steadyMs && { steadyMs }),
      ...(atBoundary && { testOnlyAtBoundary: atBoundary }),
    });
    this.#agent = agent;
    return agent;
  }

  /** Starts an agent that ends like a process that dies, at the first boundary for which `holds`; resolves when it is gone. */
  async runAgentUntil(holds: (boundary: string) => boolean): Promise<void> {
    let isDead = false;
    const atBoundary = (boundary: string) => {
      isDead ||= holds(boundary);
      // A dead process does not go on, whoever catches this.
      if (isDead) throw new Crash(boundary);
    };
    const agent = await this.startAgent({ atBoundary });
    try {
      await agent.ended;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
    this.#agent = undefined;
  }

  async stopAgent(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    await agent?.stop();
  }

  /** Resolves at the next line of the log for which `holds`. */
  whenLogged(holds: (line: LogLine) => boolean): Promise<LogLine> {
    return new Promise((resolve) => {
      const look = (line: LogLine) => {
        if (!holds(line)) return;
        this.#listeners.delete(look);
        resolve(line);
      };
      this.#listeners.add(look);
    });
  }

  /** What its journal says now. */
  read<T>(look: (journal: JournalReader) => T): T {
    using journal = new JournalReader(this.stateDirectory);
    return look(journal);
  }

  /** Resolves when its journal says so; it is looked at after every change of the file. */
  async whenJournal(holds: (journal: JournalReader) => boolean): Promise<void> {
    using journal = new JournalReader(this.stateDirectory);
    let watcher: FSWatcher | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const look = () => {
          if (holds(journal)) resolve();
        };
        watcher = watch(this.stateDirectory, look);
        watcher.on('error', reject);
        look();
      });
    } finally {
      watcher?.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    // An agent that a test has crashed has ended by itself, with what crashed it.
    await agent?.stop().catch(() => undefined);
  }

  #logger(): Logger {
    const lines = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        for (const text of chunk.toString('utf8').split('\n').filter(Boolean)) this.#heard(JSON.parse(text) as LogLine);
        done();
      },
    });
    return pino({ level: 'info' }, lines);
  }

  #heard(line: LogLine): void {
    this.log.push(line);
    for (const listener of [...this.#listeners]) listener(line);
  }
}
