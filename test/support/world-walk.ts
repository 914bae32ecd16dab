/**
 * Crashes a run at every boundary of its effects. At each boundary of one undisturbed run everything that outlives the
 * process is copied as it stands: exactly what an agent that ends at that instant leaves, because nothing behind the
 * boundary has run. From each copy a new agent then has to come to the same end.
 *
 * Where two boundaries leave the same bytes (nothing happens between the record of one effect and the beginning of the
 * next), one life stands for both. Several hosts share the lives: they wait for their processes at the same time.
 */
import { chmodSync, copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import type { Sandbox } from '../../host-agent/sandbox/sandbox.ts';
import { sha256 } from '../../shared/digest.ts';
import { snapshotOf } from './install-fixture.ts';
import { DrivenRun, deliverReports, isStoredAsSigned, withStore } from './world-driven.ts';
import type { WorldHost } from './world-host.ts';
import { differingLines, namesInRoot, neighbourLines, outcomeOf, type RunOutcome } from './world-outcome.ts';

/** A host with a run that has its whole way before it. */
export interface WalkedHost {
  readonly host: WorldHost;
  readonly run: string;
}

export interface WalkOptions {
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly sandbox: Sandbox | undefined;
  /** The name that the run adds to the install root, for the neighbours to be told from it. */
  readonly installation: string;
  /** The boundary from which on the process is ended; the first one unless said. */
  readonly from?: string;
  /** Done by the world at a boundary, before the process ends there; the same in every life. */
  readonly intervene?: (host: WorldHost, boundary: string) => void;
}

/** What one life came to, besides its outcome. */
export interface LifeFacts {
  /** Reports that the control plane had not acknowledged at the end. */
  readonly outboxLeft: number;
  readonly isStoredAsSigned: boolean;
  readonly names: readonly string[];
  readonly areNeighboursUnchanged: boolean;
  /** Effects that were recorded, those before the crash included: each of them once. */
  readonly recorded: readonly string[];
}

export interface Ending {
  /** The boundaries that leave what this life began with; none for the undisturbed one. */
  readonly boundaries: readonly string[];
  readonly outcome: RunOutcome;
  readonly facts: LifeFacts;
}

export interface WalkResult {
  /** Those at which the process was ended. */
  readonly boundaries: readonly string[];
  readonly reference: Ending;
  readonly crashed: readonly Ending[];
}

export async function walkCrashes(walked: readonly WalkedHost[], options: WalkOptions): Promise<WalkResult> {
  const lanes = walked.map((lane, index) => new Lane(lane, { options, every: walked.length, index }));
  const references = await allAtRest(lanes.map((lane) => lane.liveUndisturbed()));
  const [first] = lanes;
  const [reference] = references;
  if (first === undefined || reference === undefined) throw new Error('a walk needs a host');
  for (const [index, lane] of lanes.entries()) {
    expect(lane.boundaries, `boundaries of host ${index}`).to.deep.equal(first.boundaries);
    expect(differencesOf(references[index], reference), `host ${index} without a crash`).to.deep.equal([]);
  }
  const crashed = await allAtRest(lanes.map((lane) => lane.crashEverywhere()));
  return { boundaries: crashed.flat().flatMap((ending) => ending.boundaries), reference, crashed: crashed.flat() };
}

/** Where two lives came to different ends; nothing when they came to the same. */
export function differencesOf(one: Ending | undefined, other: Ending): string[] {
  return differingLines(one && [one.outcome, one.facts], [other.outcome, other.facts]);
}

/** As `Promise.all`, but when one fails the others have come to rest, too: nobody works in a folder that is removed. */
async function allAtRest<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** What a process leaves at one or more boundaries that follow each other, as a copy. */
interface Remains {
  readonly digest: string;
  /** Positions in the list of boundaries. */
  readonly at: number[];
}

class Lane {
  readonly boundaries: string[] = [];
  readonly #host: WorldHost;
  readonly #run: string;
  readonly #options: WalkOptions;
  readonly #share: { readonly every: number; readonly index: number };
  readonly #copies: HostCopies;
  readonly #neighbours: readonly string[];
  readonly #remains: Remains[] = [];

  constructor(
    { host, run }: WalkedHost,
    { options, every, index }: { options: WalkOptions; every: number; index: number },
  ) {
    this.#host = host;
    this.#run = run;
    this.#options = options;
    this.#share = { every, index };
    this.#copies = new HostCopies(host);
    this.#neighbours = neighbourLines(host, options.installation);
  }

  async liveUndisturbed(): Promise<Ending> {
    await this.#live((boundary) => {
      this.boundaries.push(boundary);
      this.#keepRemains();
    });
    return this.#ending([], recordedOf(this.boundaries));
  }

  async crashEverywhere(): Promise<Ending[]> {
    const { every, index } = this.#share;
    const endings: Ending[] = [];
    for (const [number, remains] of this.#remains.entries()) {
      if (number % every === index) endings.push(await this.#crashAt(remains));
    }
    return endings;
  }

  #keepRemains(): void {
    const { from } = this.#options;
    if (from !== undefined && !this.boundaries.includes(from)) return;
    const at = this.boundaries.length - 1;
    const digest = this.#copies.digest();
    const last = this.#remains.at(-1);
    if (last?.digest === digest) last.at.push(at);
    else {
      this.#remains.push({ digest, at: [at] });
      this.#copies.keep(digest);
    }
  }

  async #crashAt({ digest, at }: Remains): Promise<Ending> {
    this.#copies.restore(digest);
    // The control plane had heard all of it, and its acknowledgement was lost with the process.
    await deliverReports(this.#host, { ends: 'acknowledgement-lost' });
    const lived = this.boundaries.slice(0, (at.at(-1) ?? 0) + 1);
    await this.#live((boundary) => lived.push(boundary));
    const boundaries = at.map((position) => `${position} ${this.boundaries[position]}`);
    return this.#ending(boundaries, recordedOf(lived));
  }

  async #live(atBoundary: (boundary: string) => void): Promise<void> {
    const { blobs, sandbox, intervene } = this.#options;
    const hook = (boundary: string) => {
      intervene?.(this.#host, boundary);
      atBoundary(boundary);
    };
    // One after the other: which of two that run side by side is done first would be another each time.
    using driven = DrivenRun.open(this.#host, { blobs, sandbox, atOnce: 1, atBoundary: hook });
    await driven.driver.drive(this.#run);
  }

  async #ending(boundaries: readonly string[], recorded: readonly string[]): Promise<Ending> {
    await deliverReports(this.#host, { ends: 'acknowledged' });
    const facts = {
      outboxLeft: this.#host.read((journal) => journal.outboxCount()),
      isStoredAsSigned: await withStore(this.#host, (store) => isStoredAsSigned(store, this.#host, this.#run)),
      names: namesInRoot(this.#host),
      areNeighboursUnchanged: isDeepStrictEqual(
        neighbourLines(this.#host, this.#options.installation),
        this.#neighbours,
      ),
      recorded,
    };
    return { boundaries, outcome: outcomeOf(this.#host, this.#run), facts };
  }
}

function recordedOf(boundaries: readonly string[]): string[] {
  return boundaries.filter((boundary) => boundary.startsWith('recorded '));
}

/** Copies and restores everything of a host that outlives a process: journal, keys, install root, the store. */
export class HostCopies {
  readonly #folder: string;
  readonly #copies: string;

  constructor({ folder }: WorldHost) {
    this.#folder = folder;
    this.#copies = `${folder}-copies`;
  }

  /** SHA-256 over every path and every byte as they are now. */
  digest(): string {
    return sha256(
      snapshotOf(this.#folder)
        .filter((line) => !line.includes('-shm '))
        .join('\n'),
    );
  }

  /** What a process that ends at this instant leaves. The journal must be between two transactions. */
  keep(name: string): void {
    copyTree(this.#folder, `${this.#copies}/${name}`);
  }

  restore(name: string): void {
    rmSync(this.#folder, { recursive: true, force: true });
    copyTree(`${this.#copies}/${name}`, this.#folder);
  }
}

/** With modes, which Node's own copy of a folder loses. */
function copyTree(from: string, to: string): void {
  const facts = lstatSync(from);
  if (facts.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
  else if (facts.isFile()) copyFileSync(from, to);
  else {
    mkdirSync(to, { recursive: true });
    chmodSync(to, facts.mode & 0o7777);
    for (const name of readdirSync(from).filter(isKept)) copyTree(join(from, name), join(to, name));
  }
}

/** SQLite makes its shared memory anew when the first process opens the file. */
function isKept(name: string): boolean {
  return !name.endsWith('-shm');
}
