/** What the figures share: a folder, the programs, one control plane, the peers; each made when it is first needed. */
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { ControlPlane } from '../keyturn/control-plane.ts';
import { BenchHost } from '../keyturn/host.ts';
import { type Programs, packagePrograms, programsIn } from '../keyturn/programs.ts';
import { INSTALL_ROOT } from '../keyturn/release.ts';
import { diskFolder } from '../measure/disk-folder.ts';
import { makeCertificates } from '../peers/certificates.ts';
import { SshServer } from '../peers/ssh-server.ts';
import { APPS } from './apps.ts';
import { type Scale, scaleOf } from './scale.ts';

export interface BenchOptions {
  readonly isQuick: boolean;
  /** Packaged earlier; this repository is packaged unless said. */
  readonly programs: string | undefined;
  readonly say: (line: string) => void;
}

export class Bench implements AsyncDisposable {
  readonly folder: string;
  readonly scale: Scale;
  readonly say: (line: string) => void;
  readonly #packaged: string | undefined;
  readonly #made = new Map<string, Promise<unknown>>();
  readonly #held = new AsyncDisposableStack();
  #hostCount = 0;

  constructor({ isQuick, programs, say }: BenchOptions) {
    this.folder = mkdtempSync(join(diskFolder(), 'keyturn-bench-'));
    this.scale = scaleOf(isQuick);
    this.say = say;
    this.#packaged = programs;
  }

  /** Makes something once, however many figures need it; a failure is everybody's. */
  once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const made = this.#made.get(name) ?? make();
    this.#made.set(name, made);
    return made as Promise<T>;
  }

  /** Ended with the benchmark, last one first. */
  hold<T extends AsyncDisposable>(resource: T): T {
    return this.#held.use(resource);
  }

  newFolder(...names: string[]): string {
    const path = join(this.folder, ...names);
    mkdirSync(path, { recursive: true });
    return path;
  }

  programs(): Promise<Programs> {
    return this.once('programs', async () => {
      if (this.#packaged !== undefined) return programsIn(this.#packaged);
      this.say('packaging the programs');
      return packagePrograms(this.newFolder('programs'));
    });
  }

  plane(): Promise<ControlPlane> {
    return this.once('control-plane', async () => this.hold(await this.newPlane('control-plane')));
  }

  /** One that nobody else uses. */
  async newPlane(name: string): Promise<ControlPlane> {
    return ControlPlane.found(await this.programs(), { folder: this.newFolder(name), apps: Object.values(APPS) });
  }

  sshServer(): Promise<SshServer> {
    return this.once('ssh-server', async () => this.hold(await SshServer.start(this.newFolder('sshd'))));
  }

  certificates(): Promise<string> {
    return this.once('certificates', () => makeCertificates(this.newFolder('certificates')));
  }

  /** A host that has nothing yet, enrolled; its agent is not started. */
  async newHost(plane: ControlPlane, options: { gateway?: string; installRoot?: string } = {}): Promise<BenchHost> {
    this.#hostCount += 1;
    const name = `host-${this.#hostCount}`;
    const folder = this.newFolder('hosts', name);
    return this.hold(await BenchHost.enrol(plane, { installRoot: INSTALL_ROOT, ...options, folder, name }));
  }

  /**
   * Something large that no later pair needs. Deleting many files slows down whatever is written next, so it is left
   * to the end as long as the disk has room.
   */
  discard(path: string): void {
    const { bavail, bsize } = statfsSync(this.folder);
    if (bavail * bsize < this.scale.freeBytes) rmSync(path, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
    // Whatever was ended a moment ago may still be leaving.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
