/** A story: what a repository does, what a client is told to do, and what must be true afterwards, on disk too. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

import { runTufClient } from '../../../../scripts/tuf-client.ts';
import { DAY_MS, TufRepository } from '../../../support/tuf-repository.ts';
import { TufServer } from '../../../support/tuf-server.ts';

export type Step = {
  /** What happens before the command. */
  readonly first?: (world: World) => void;
  /** The targets of one command, in order; nothing is a refresh. */
  readonly download?: string | readonly string[];
  /** The client's clock, in days from now. */
  readonly day?: number;
  readonly exit: 0 | 1;
  /** Trusted metadata on disk afterwards, such as `root 1, snapshot 2, targets 2, timestamp 3`. */
  readonly trusted?: string;
  /** Metadata files that this command asked for, in order. */
  readonly requests?: readonly string[];
  /** Contents in the target folder afterwards, sorted. */
  readonly downloaded?: readonly string[];
  readonly also?: (world: World) => void;
};

export type Story = {
  /** Before the client is initialised. */
  readonly given?: (repository: TufRepository, world: World) => void;
  /** The root that the client starts from, when it is not the first one. */
  readonly root?: (repository: TufRepository) => Buffer;
  readonly steps: readonly Step[];
};

export type Stories = { readonly [sentence: string]: Story };

export const ALL_AT_1 = 'root 1, snapshot 1, targets 1, timestamp 1';

export class World {
  readonly repository = new TufRepository();
  readonly server = new TufServer(this.repository);
  readonly folder = mkdtempSync(join(tmpdir(), 'keyturn-conformance-'));
  readonly metadataDir = join(this.folder, 'metadata');
  readonly targetDir = join(this.folder, 'targets');
  url = '';
  /** What the client said last. */
  complaint = '';
  readonly #report = (message: string) => {
    this.complaint = message;
  };

  async start(): Promise<void> {
    this.url = await this.server.start();
  }

  async stop(): Promise<void> {
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async init(root: Uint8Array): Promise<number> {
    const path = join(this.folder, 'initial-root.json');
    writeFileSync(path, root);
    return runTufClient(['--metadata-dir', this.metadataDir, 'init', path], { report: this.#report });
  }

  async run({ download, day = 0 }: Pick<Step, 'download' | 'day'>): Promise<number> {
    const places = ['--metadata-url', `${this.url}/metadata/`, '--metadata-dir', this.metadataDir];
    const command =
      download === undefined
        ? [...places, 'refresh']
        : [
            ...places,
            ...[download].flat().flatMap((name) => ['--target-name', name]),
            ...['--target-base-url', `${this.url}/targets/`],
            ...['--target-dir', this.targetDir, 'download'],
          ];
    return runTufClient(command, { now: () => new Date(Date.now() + day * DAY_MS), report: this.#report });
  }

  metadataPath(role: string): string {
    return join(this.metadataDir, `${role}.json`);
  }

  trusted(): string {
    const names = readdirSync(this.metadataDir).filter((name) => name.endsWith('.json'));
    const versions = names.map((name) => {
      const { signed } = JSON.parse(readFileSync(join(this.metadataDir, name), 'utf8')) as {
        signed: { version: number };
      };
      return `${decodeURIComponent(name.slice(0, -'.json'.length))} ${signed.version}`;
    });
    return versions.sort().join(', ');
  }

  downloaded(): string[] {
    const names = readdirSync(this.folder).includes('targets') ? readdirSync(this.targetDir) : [];
    return names.map((name) => readFileSync(join(this.targetDir, name), 'utf8')).sort();
  }
}

/** Plays a story; the sentence of the failing step is in the assertion. */
export async function play(story: Story, world: World): Promise<void> {
  story.given?.(world.repository, world);
  await world.init(story.root?.(world.repository) ?? world.repository.firstRoot);
  for (const [index, step] of story.steps.entries()) {
    step.first?.(world);
    const asked = world.repository.metadataRequests.length;
    const where = `step ${index + 1}`;
    world.complaint = '';
    expect(await world.run(step), `exit of ${where} ${world.complaint}`).to.equal(step.exit);
    if (step.trusted !== undefined) expect(world.trusted(), `trusted after ${where}`).to.equal(step.trusted);
    const requests = world.repository.metadataRequests.slice(asked);
    if (step.requests !== undefined) expect(requests, `requests of ${where}`).to.deep.equal(step.requests);
    if (step.downloaded !== undefined) expect(world.downloaded(), where).to.deep.equal(step.downloaded);
    step.also?.(world);
  }
}
