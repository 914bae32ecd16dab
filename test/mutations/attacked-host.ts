/**
 * One enrolled host with a running agent, in the hands of a hostile control plane, on real sockets and real files.
 *
 * Between two mutations the host is put back to a template (journal rows, install root) while its agent runs on: the
 * agent keeps nothing in memory that it does not read again from its journal.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Agent, startAgent } from '../../host-agent/agent.ts';
import { enrolHost } from '../../host-agent/host/enrol-host.ts';
import type { RunState } from '../../host-agent/run/machine.ts';
import { isResting } from '../../host-agent/run/machine.ts';
import { messageOf } from '../../shared/errors.ts';
import { HostileControlPlane } from '../support/hostile-control-plane.ts';
import { INSTALL_ROOT } from './built-release.ts';
import { Happenings } from './happenings.ts';
import { HonestAnswers } from './honest-answers.ts';
import { type JournalRows, JournalView, listing, putBack } from './host-state.ts';
import { LUCK, RetryClock } from './retry-clock.ts';
import type { SignedRepository } from './signed-repository.ts';

export const HOST = 'devhost-1';
const TOKEN = 'a'.repeat(43);

/** A state of the host to begin from. */
export interface HostTemplate {
  readonly rows: JournalRows;
  readonly installed: string;
  readonly listing: readonly string[];
}

export class AttackedHost {
  readonly folder = mkdtempSync(join(tmpdir(), 'keyturn-mutations-'));
  readonly happenings = new Happenings();
  readonly repository: SignedRepository;
  readonly clock: RetryClock;
  readonly honest: HonestAnswers;
  readonly controlPlane: HostileControlPlane;
  journal!: JournalView;
  agent!: Agent;
  /** The install root without an installation. */
  pristine: readonly string[] = [];
  #temporaryBefore = process.env.TMPDIR;

  static async start(repository: SignedRepository): Promise<AttackedHost> {
    const honest = new HonestAnswers(repository);
    const controlPlane = await HostileControlPlane.start(honest);
    honest.authority = controlPlane.authority;
    const host = new AttackedHost(repository, honest, controlPlane);
    await host.#enrol();
    await host.startAgent();
    return host;
  }

  constructor(repository: SignedRepository, honest: HonestAnswers, controlPlane: HostileControlPlane) {
    this.repository = repository;
    this.honest = honest;
    this.controlPlane = controlPlane;
    this.clock = new RetryClock(Date.now());
    this.clock.onWaiting = () => this.happenings.tell({ is: 'waiting' });
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
    this.agent = await startAgent({ stateDirectory, clock, random: () => LUCK, log: this.happenings.logger() });
    this.agent.ended.catch((error: unknown) => this.happenings.tell({ is: 'agent-died', reason: messageOf(error) }));
    await this.settle();
  }

  /** Ends the session from the other side, and lets the host begin the next; gives the mark of that beginning. */
  async beginSession(): Promise<number> {
    const { mark } = this.happenings;
    this.controlPlane.session?.end();
    this.controlPlane.session = undefined;
    const waiting = await this.happenings.next(mark, ({ is }) => is === 'waiting');
    this.clock.endWaits();
    const hello = await this.happenings.next(
      waiting.mark,
      (happening) => happening.is === 'heard' && happening.body === 'hello',
    );
    return hello.mark;
  }

  /** What stands there now, to begin from again. */
  template(name: string): HostTemplate {
    const installed = join(this.folder, `template-${name}`);
    cpSync(this.installRoot, installed, { recursive: true, preserveTimestamps: true });
    return { rows: this.journal.rows(), installed, listing: listing(this.installRoot) };
  }

  restore(template: HostTemplate): void {
    this.journal.restore(template.rows);
    const isAsBefore = listing(this.installRoot).join('\n') === template.listing.join('\n');
    if (!isAsBefore) putBack(this.installRoot, template.installed);
  }

  /** States of the runs in the journal, by id. */
  runs(): Map<string, RunState> {
    const rows = this.journal.rows().get('runs') ?? [];
    return new Map(rows.map(({ id, state }) => [String(id), JSON.parse(String(state)) as RunState]));
  }

  isPristine(): boolean {
    return listing(this.installRoot).join('\n') === this.pristine.join('\n');
  }

  isIdle(): boolean {
    return (
      this.agent.link.state.name === 'open' &&
      this.controlPlane.session !== undefined &&
      this.journal.unhandledDirectives() === 0 &&
      [...this.runs().values()].every(isResting)
    );
  }

  /** Lets every retry happen until the agent has nothing left to do. Whoever wants it to give up lets it be refused. */
  async settle(): Promise<void> {
    for (let mark = this.happenings.mark; !this.isIdle(); mark = this.happenings.mark) {
      this.clock.endWaits();
      if (this.isIdle()) return;
      await this.happenings.change(mark);
    }
  }

  async stop(): Promise<void> {
    await this.agent.stop();
    this.journal.close();
    await this.controlPlane.stop();
    if (this.#temporaryBefore === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = this.#temporaryBefore;
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #enrol(): Promise<void> {
    const { baseline } = this.repository;
    await enrolHost(this.stateDirectory, {
      bundle: {
        schema: 'keyturn.enrolment/v1',
        host: HOST,
        addresses: this.controlPlane.addresses,
        caCertificate: this.controlPlane.authority.caCertificate,
        token: TOKEN,
        trust: Object.fromEntries(baseline),
      },
      config: { installRoots: [INSTALL_ROOT], labels: { env: 'prod' }, rootPrefix: join(this.folder, 'root') },
      now: new Date(),
    });
    this.journal = new JournalView(this.stateDirectory);
  }
}

const NEIGHBOURS: readonly (readonly [string, string])[] = [
  ['old/version.txt', '0.4.0\n'],
  ['old/module.py', 'print("old")\n'],
  ['not-preserved.txt', 'nobody asked\n'],
];
