/**
 * A release with real content, an install root in a temporary folder with a neighbour in it, and everything that an
 * install step is given. Digests are real; only signatures are left out, as the steps begin behind them.
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { RunFacts } from '../../host-agent/checks/observe.ts';
import type { BlobPiece, BlobSource, BlobWant } from '../../host-agent/install/blob-source.ts';
import type { InstallContext, InstallEffect } from '../../host-agent/install/install-context.ts';
import { placesOf } from '../../host-agent/install/places.ts';
import type { Json } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { type Chunk, ChunkCutter } from '../../shared/release/content/chunk-list.ts';
import {
  createManifest,
  encodeManifest,
  type Manifest,
  type ManifestEntry,
  manifestTreeDigest,
} from '../../shared/release/manifest.ts';
import { encodePlan, type Plan } from '../../shared/release/plan.ts';
import { encodeReleaseStatement, type ReleaseStatement } from '../../shared/release/release-statement.ts';

/** Text is a file of mode 0644; an array of one target is a link. */
export type TreeContent = Readonly<
  Record<string, string | { readonly text: string; readonly mode: 0o755 } | readonly [string]>
>;

export const CONTENT: TreeContent = {
  'bin/run': { text: '#!/bin/sh\nexec true\n', mode: 0o755 },
  'bin/current': ['run'],
  'lib/deep/er/module.py': 'print("deep")\n',
  'lib/empty': '',
  'lib/twin-a': 'the same content\n',
  'lib/twin-b': 'the same content\n',
  'lib/\u00fcber.txt': 'h\u00e9llo\n'.repeat(1000),
  big: 'x'.repeat(700_000),
};

export const NEIGHBOUR: Readonly<Record<string, string>> = {
  'old/version.txt': '0.4.0\n',
  'old/module.py': 'print("old")\n',
};

export interface FixtureOptions {
  readonly content?: TreeContent;
  readonly preserve?: readonly string[];
  readonly neighbours?: 'one' | 'none';
  readonly plan?: Partial<Plan>;
  readonly run?: string;
}

export interface InstallFixture {
  /** Removed by `remove`. */
  readonly folder: string;
  readonly root: string;
  readonly context: InstallContext;
  readonly manifest: Manifest;
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly source: RecordingSource;
  /** Names in the install root, `.keyturn` among them if it is there. */
  names(): string[];
  /** Every path below the install root with kind, mode and content, to compare states of the disk. */
  snapshot(): string[];
  with(changes: Partial<InstallContext>): InstallContext;
  remove(): void;
}

export function installFixture(options: FixtureOptions = {}): InstallFixture {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-install-'));
  const root = join(folder, 'opt', 'dot');
  mkdirSync(root, { recursive: true });
  chmodSync(root, 0o755);
  if (options.neighbours !== 'none') writeFiles(root, NEIGHBOUR);
  const { manifest, blobs } = manifestOf(options.content ?? CONTENT);
  const context = contextOf({ folder, manifest, options });
  return {
    folder,
    root,
    context,
    manifest,
    blobs,
    source: new RecordingSource(blobs),
    names: () => readdirSync(root).sort(),
    snapshot: () => snapshotOf(root),
    with: (changes) => ({ ...context, ...changes }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Serves blobs honestly, in pieces, and remembers what it was asked for. */
export class RecordingSource implements BlobSource {
  readonly asked: BlobWant[] = [];
  readonly blobs: Map<string, Buffer>;
  readonly pieceBytes: number;

  constructor(blobs: ReadonlyMap<string, Buffer>, pieceBytes = 64 * 1024) {
    this.blobs = new Map(blobs);
    this.pieceBytes = pieceBytes;
  }

  async *fetch(wants: readonly BlobWant[], { signal }: { signal: AbortSignal }): AsyncIterable<BlobPiece> {
    this.asked.push(...wants);
    for (const { sha256: digest, at } of wants) {
      const blob = (this.blobs.get(digest) ?? Buffer.alloc(0)).subarray(0, at.offset + at.length);
      for (let offset = at.offset; offset < blob.length; offset += this.pieceBytes) {
        signal.throwIfAborted();
        yield { sha256: digest, offset, data: blob.subarray(offset, offset + this.pieceBytes) };
      }
    }
  }

  async chunksOf({ sha256: digest }: { sha256: string }): Promise<readonly Chunk[]> {
    const blob = this.blobs.get(digest);
    if (!blob) throw new RejectedError('blob-not-found', `no blob "${digest}"`);
    const cutter = new ChunkCutter();
    cutter.add(blob);
    return cutter.finish();
  }
}

export function memoryFacts(): RunFacts {
  const facts = new Map<string, string>();
  return {
    load: (name) => {
      const text = facts.get(name);
      return text === undefined ? undefined : (JSON.parse(text) as Json);
    },
    save: (name, fact) => void facts.set(name, JSON.stringify(fact)),
  };
}

/** Throws `Stopped` behind the n-th effect; `seen` tells which effects there were. */
export function stopAfter(count: number): { hook: (effect: InstallEffect) => void; seen: InstallEffect[] } {
  const seen: InstallEffect[] = [];
  const hook = (effect: InstallEffect) => {
    seen.push(effect);
    if (seen.length === count) throw new Stopped(effect);
  };
  return { hook, seen };
}

export class Stopped extends Error {
  constructor(effect: string) {
    super(`stopped behind "${effect}"`);
  }
}

export function manifestOf(content: TreeContent): { manifest: Manifest; blobs: Map<string, Buffer> } {
  const blobs = new Map<string, Buffer>();
  const entries = Object.entries(content).map(([path, what]): ManifestEntry => {
    if (Array.isArray(what)) return { kind: 'symlink', path, target: String(what[0]) };
    const { text, mode } =
      typeof what === 'string' ? { text: what, mode: 0o644 as const } : (what as { text: string; mode: 0o755 });
    const bytes = Buffer.from(text);
    blobs.set(sha256(bytes), bytes);
    return { kind: 'file', path, mode, size: bytes.length, sha256: sha256(bytes) };
  });
  return { manifest: createManifest(entries), blobs };
}

export function writeFiles(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

export function snapshotOf(root: string): string[] {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  return paths.map((path) => {
    const stat = lstatSync(join(root, path));
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isSymbolicLink()) return `link ${path} -> ${readlinkSync(join(root, path))}`;
    if (stat.isDirectory()) return `folder ${mode} ${path}`;
    return stat.isFile() ? `file ${mode} ${path} ${sha256(readFileSync(join(root, path)))}` : `special ${path}`;
  });
}

function contextOf({
  folder,
  manifest,
  options,
}: {
  folder: string;
  manifest: Manifest;
  options: FixtureOptions;
}): InstallContext {
  const plan = planOf(options);
  const manifestBytes = encodeManifest(manifest);
  const statement = statementOf({ plan, manifest, manifestBytes });
  const release = { statement, plan, statementDigest: sha256(encodeReleaseStatement(statement)) };
  const run = options.run ?? 'run-1';
  return {
    run,
    host: 'devhost-1',
    release,
    manifest,
    manifestDigest: sha256(manifestBytes),
    places: placesOf({ rootPrefix: folder, release, run, hidden: [] }),
    blobCache: join(folder, 'cache'),
    readBefore: new Map(),
    now: () => '2026-05-21T10:00:00.000Z',
    signal: new AbortController().signal,
  };
}

function planOf({ preserve = ['old'], neighbours, plan }: FixtureOptions): Plan {
  return {
    schema: 'keyturn.plan/v1',
    app: 'app',
    version: '1.0',
    install: { root: '/opt/dot', preserve: neighbours === 'none' ? [] : [...preserve] },
    artifact: { forbid: [] },
    requires: { tools: {} },
    secrets: [],
    entrypoints: {},
    invariants: {},
    gates: [],
    ...plan,
  };
}

function statementOf({
  plan,
  manifest,
  manifestBytes,
}: {
  plan: Plan;
  manifest: Manifest;
  manifestBytes: Buffer;
}): ReleaseStatement {
  const planBytes = encodePlan(plan);
  const nothing = { sha256: sha256(''), size: 0 };
  return {
    schema: 'keyturn.release/v1',
    app: plan.app,
    version: plan.version,
    commit: '6625f76'.padEnd(40, '0'),
    treeDigest: manifestTreeDigest(manifest),
    manifest: { sha256: sha256(manifestBytes), size: manifestBytes.length },
    plan: { sha256: sha256(planBytes), size: planBytes.length },
    buildRecord: nothing,
    provenance: nothing,
    archive: { ...nothing, name: 'app-1.0.tar.gz' },
  };
}
