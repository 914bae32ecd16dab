/**
 * One enrolled host with a running agent, in the hands of a hostile control plane, on real sockets and real files.
 *
 * Between two mutations the host is put back to a template (journal rows, install root) while its agent runs on: the
 * agent keeps nothing in memory that it does not read again from its journal.
 */
import {
  cpSync,
  existsSync,
  type FSWatcher,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Agent, startAgent } from '../../host-agent/agent.ts';
import type { GateState } from '../../host-agent/gate/machine.ts';
import { enrolHost } from '../../host-agent/host/enrol-host.ts';
import { KEYTURN_FOLDER } from '../../host-agent/install/places.ts';
import { isResting } from '../../host-agent/run/machine.ts';
import { messageOf } from '../../shared/errors.ts';
import { type Clock, systemClock, type Timer } from '../../shared/time/clock.ts';
import { HostileControlPlane } from '../support/hostile-control-plane.ts';
import { INSTALL_ROOT } from './built-release.ts';
import { GATE_DOCUMENT, isToldAsItIs, RUNTIME_FOLDER, readGateDocument } from './gate-document.ts';
import { type Happening, Happenings } from './happenings.ts';
import { HonestAnswers } from './honest-answers.ts';
import { type JournalRows, JournalView, listing, putBack } from './host-state.ts';
import { LUCK, RetryClock } from './retry-clock.ts';
import type { SignedRepository } from './signed-repository.ts';

/** In memory where there is such a place: thousands of small transactions, and no power cut is among the mutations. */
const FASTEST_PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export const HOST = 'devhost-1';
const TOKEN = 'a'.repeat(43);

/** The real time, moved by as much as somebody says. */
class ShiftedClock implements Clock {
  shiftMs = 0;

  now(): number {
    return systemClock.now() + this.shiftMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return systemClock.setTimer(delayMs, callback);
  }
}

/** A state of the host to begin from. */
export interface HostTemplate {
  readonly rows: JournalRows;
  readonly installed: string;
  readonly listing: readonly string[];
  readonly gates: ReadonlyMap<string, GateState | undefined>;
  /** What is told of the gates, as the agent wrote it. */
  readonly gateDocument: string;
}

export class AttackedHost {
  readonly folder = mkdtempSync(join(FASTEST_PLACE, 'keyturn-mutations-'));
  readonly happenings = new Happenings();
  readonly repository: SignedRepository;
  readonly clock: RetryClock;
  readonly honest: HonestAnswers;
  readonly controlPlane: HostileControlPlane;
  /** What the CA takes for the time. */
  readonly issuingClock: ShiftedClock;
  journal!: JournalView;
  agent!: Agent;
  /** What stood in the install root in the moment of each promotion, since the host was put back. */
  promotions: (readonly string[])[] = [];
  /** The install root without an installation. */
  pristine: readonly string[] = [];
  #temporaryBefore = process.env.TMPDIR;
  #watcher: FSWatcher | undefined;

  static async start(repository: SignedRepository): Promise<AttackedHost> {
    const honest = new HonestAnswers(repository);
    const issuingClock = new ShiftedClock();
    const controlPlane = await HostileControlPlane.start(honest, issuingClock);
    honest.authority = controlPlane.authority;
    const host = new AttackedHost(repository, { honest, controlPlane, issuingClock });
    await host.#enrol();
    await host.startAgent();
    return host;
  }

  constructor(
    repository: SignedRepository,
    {
      honest,
      controlPlane,
      issuingClock,
    }: { honest: HonestAnswers; controlPlane: HostileControlPlane; issuingClock: ShiftedClock },
  ) {
    this.repository = repository;
    this.honest = honest;
    this.controlPlane = controlPlane;
    this.issuingClock = issuingClock;
    this.clock = new RetryClock(Date.now());
    this.clock.onWaiting = () => this.happenings.tell({ is: 'waiting' });
    this.clock.onTimer = () => this.happenings.tell({ is: 'timer' });
    honest.position = () => ({ heardId: controlPlane.heardId, lastDirective: this.journal.lastDirective() });
    controlPlane.onHeard = ({ body = 'ack', ack }) => this.happenings.tell({ is: 'heard', body, ack });
    for (const place of [this.temporary, this.installRoot, this.beside]) mkdirSync(place, { recursive: true });
    process.env.TMPDIR = this.temporary;
    for (const [path, text] of NEIGHBOURS) {
      mkdirSync(join(this.installRoot, path, '..'), { recursive: true });
      writeFileSync(join(this.installRoot, path), text);
    }
    writeFileSync(join(this.beside, 'untouched.txt'), 'not the agent\u2019s\n');
    this.pristine = listing(this.installRoot);
  }

  get stateDirectory(): string {
    return join(this.folder, 'state');
  }

  get installRoot(): string {
    return join(this.folder, 'root', INSTALL_ROOT);
  }

  get beside(): string {
    return join(this.folder, 'root', 'etc');
  }

  get temporary(): string {
    return join(this.folder, 'tmp');
  }

  async startAgent(): Promise<void> {
    const { stateDirectory, clock } = this;
    const log = this.happenings.logger();
    const testOnlyAtBoundary = (boundary: string): void => this.#lookAt(boundary);
    // No lease lapses, and no clock goes back, while a mutation is looked at.
    const steadyMs = () => clock.now();
    this.agent = await startAgent({ stateDirectory, clock, steadyMs, random: () => LUCK, log, testOnlyAtBoundary });
    this.agent.ended.catch((error: unknown) => this.happenings.tell({ is: 'agent-died', reason: messageOf(error) }));
    await this.settle();
  }

  /** Ends the session from the other side; the host then waits for its next try. Gives the mark of that waiting. */
  async endSession(): Promise<number> {
    const { mark } = this.happenings;
    this.controlPlane.session?.end();
    this.controlPlane.session = undefined;
    return (await this.happenings.next(mark, ({ is }) => is === 'waiting')).mark;
  }

  /** Ends the session, and lets the host begin the next; gives the mark of its Hello. */
  async beginSession(): Promise<number> {
    const mark = await this.endSession();
    this.clock.endWaits();
    const isHello = (happening: Happening) => happening.is === 'heard' && happening.body === 'hello';
    return (await this.happenings.next(mark, isHello)).mark;
  }

  /** What stands there now, to begin from again. */
  template(name: string): HostTemplate {
    const installed = join(this.folder, `template-${name}`);
    cpSync(this.installRoot, installed, { recursive: true, preserveTimestamps: true });
    const { journal, installRoot } = this;
    const gateDocument = readFileSync(join(this.stateDirectory, GATE_DOCUMENT), 'utf8');
    return { rows: journal.rows(), installed, listing: listing(installRoot), gates: journal.gates(), gateDocument };
  }

  restore(template: HostTemplate): void {
    this.promotions = [];
    this.journal.restore(template.rows);
    writeFileSync(join(this.stateDirectory, GATE_DOCUMENT), template.gateDocument);
    const isAsBefore = listing(this.installRoot).join('\n') === template.listing.join('\n');
    if (!isAsBefore) putBack(this.installRoot, template.installed);
  }

  isPristine(): boolean {
    return listing(this.installRoot).join('\n') === this.pristine.join('\n');
  }

  /** Whether nothing is left to do, and everybody has been told. */
  isIdle(): boolean {
    const { journal } = this;
    return (
      this.agent.link.state.name === 'open' &&
      this.controlPlane.session !== undefined &&
      journal.unhandledDirectives() === 0 &&
      journal.unendedLiveRuns() === 0 &&
      [...journal.runs().values()].every(isResting) &&
      isToldAsItIs(readGateDocument(this.stateDirectory), journal.gates())
    );
  }

  /** Lets every retry happen until the agent has nothing left to do. Whoever wants it to give up lets it be refused. */
  async settle(): Promise<void> {
    for (let mark = this.happenings.mark; !this.isIdle(); mark = this.happenings.mark) {
      if (this.happenings.death !== undefined) throw new Error(`the agent died: ${this.happenings.death}`);
      this.clock.endWaits();
      if (this.journal.unhandledDirectives() > 0) this.clock.endLooks();
      if (this.isIdle()) return;
      await this.happenings.change(mark);
    }
  }

  async stop(): Promise<void> {
    this.#watcher?.close();
    await this.agent.stop();
    this.journal.close();
    await this.controlPlane.stop();
    if (this.#temporaryBefore === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = this.#temporaryBefore;
    rmSync(this.folder, { recursive: true, force: true });
  }

  #lookAt(boundary: string): void {
    if (boundary !== 'did tree-promoted') return;
    this.promotions.push(listing(this.installRoot, (path) => path.startsWith(KEYTURN_FOLDER)));
  }

  /** What a host is enrolled with. */
  enrolment(): Omit<Parameters<typeof enrolHost>[1], 'now'> {
    return {
      bundle: {
        schema: 'keyturn.enrolment/v1',
        host: HOST,
        addresses: this.controlPlane.addresses,
        caCertificate: this.controlPlane.authority.caCertificate,
        token: TOKEN,
        trust: Object.fromEntries(this.repository.baseline),
      },
      config: { installRoots: [INSTALL_ROOT], labels: { env: 'prod' }, rootPrefix: join(this.folder, 'root') },
    };
  }

  async #enrol(): Promise<void> {
    await enrolHost(this.stateDirectory, { ...this.enrolment(), now: new Date() });
    this.journal = new JournalView(this.stateDirectory);
    const runtime = join(this.stateDirectory, RUNTIME_FOLDER);
    mkdirSync(runtime);
    this.#watcher = watch(runtime, () => this.happenings.tell({ is: 'gates-told' }));
  }
}

const NEIGHBOURS: readonly (readonly [string, string])[] = [
  ['old/version.txt', '0.4.0\n'],
  ['old/module.py', 'print("old")\n'],
  ['not-preserved.txt', 'nobody asked\n'],
];
