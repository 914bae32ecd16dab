/** A host in a temporary folder: an install root with a neighbour, one installed release, secrets, and nothing else. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type CheckContext, isHeld, type Observe } from '../../../host-agent/checks/observe.ts';
import { planChecks } from '../../../host-agent/checks/plan-checks.ts';
import { type Observed, observeCheck } from '../../../host-agent/checks/run-check.ts';
import { detectSandbox } from '../../../host-agent/sandbox/sandbox.ts';
import type { Json } from '../../../shared/canonical-json.ts';
import { sha256 } from '../../../shared/digest.ts';
import { statusOfEvidence } from '../../../shared/ledger/derive.ts';
import type { Evidence } from '../../../shared/ledger/evidence.ts';
import { planKinds } from '../../../shared/ledger/kinds/registry.ts';
import type { SignedRelease } from '../../../shared/ledger/planned-checks.ts';
import type { Status } from '../../../shared/ledger/status.ts';
import { createManifest, type Manifest, manifestTreeDigest } from '../../../shared/release/manifest.ts';
import type { Entrypoint } from '../../../shared/release/plan.ts';
import { hashTree } from '../../../shared/store/tree-reader.ts';

export const sandbox = await detectSandbox();

const ROOT = '/opt/incomex/dot';
const NAME = 'iu-cutter-v0.6';

export interface WorldContent {
  /** By path in the tree; `-> target` makes a symbolic link. */
  readonly files?: Readonly<Record<string, string>>;
  readonly entrypoints?: Readonly<Record<string, Partial<Entrypoint> & Pick<Entrypoint, 'argv'>>>;
  /** Named in the plan; undefined where the host has none. */
  readonly secrets?: Readonly<Record<string, string | undefined>>;
}

export interface AskedCheck {
  readonly kind: string;
  readonly params: Readonly<Record<string, Json>>;
  readonly timeoutMs?: number;
  readonly context?: Partial<CheckContext>;
  readonly options?: {
    readonly planChecks?: ReadonlyMap<string, Observe>;
    readonly builtInChecks?: ReadonlyMap<string, Observe>;
    readonly graceMs?: number;
    readonly now?: () => Date;
  };
  readonly id?: string;
}

export interface Answer {
  readonly evidence: Evidence;
  readonly status: Status;
  /** All of the evidence as text, to search it. */
  readonly text: string;
}

export class CheckWorld implements AsyncDisposable {
  readonly rootPrefix = mkdtempSync(join(tmpdir(), 'keyturn-checks-'));
  readonly installRoot = join(this.rootPrefix, ROOT);
  readonly installPath = join(this.installRoot, NAME);
  readonly #content: WorldContent;
  readonly #manifest: Manifest;

  constructor(content: WorldContent = {}) {
    this.#content = content;
    chmodSync(this.rootPrefix, 0o755);
    const files = { 'README.md': 'inert\n', ...content.files };
    for (const [path, text] of Object.entries(files)) this.write(join(ROOT, NAME, path), text);
    this.write(join(ROOT, 'iu-cutter', 'README.md'), 'the neighbour\n');
    this.#manifest = manifestOf(files);
  }

  /** Writes below the root of this host. */
  write(path: string, text: string): void {
    const absolute = join(this.rootPrefix, path);
    mkdirSync(dirname(absolute), { recursive: true, mode: 0o755 });
    if (text.startsWith('-> ')) symlinkSync(text.slice(3), absolute);
    else writeFileSync(absolute, text, { mode: modeOf(text) });
  }

  read(path: string): string {
    return readFileSync(join(this.rootPrefix, path), 'utf8');
  }

  /** Everything that stands on this host. */
  async digest(): Promise<string> {
    return (await hashTree(this.rootPrefix)).digest;
  }

  /** Evidence, or that it waits for people. */
  observe(asked: AskedCheck): Promise<Observed> {
    return observeCheck(this.#context(asked), {
      planChecks,
      builtInChecks: new Map(),
      kinds: planKinds,
      now: () => new Date('2026-05-21T09:00:00.000Z'),
      ...asked.options,
    });
  }

  async ask(asked: AskedCheck): Promise<Answer> {
    const context = this.#context(asked);
    const evidence = await this.observe(asked);
    if (isHeld(evidence)) throw new Error(`the check waits for people at ${evidence.held.stopGate}`);
    const status = statusOfEvidence(context.check, {
      evidence,
      buildRecord: { schema: 'keyturn.build-record/v1', checks: [] },
      kinds: planKinds,
    });
    return { evidence, status, text: JSON.stringify(evidence) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.rootPrefix, { recursive: true, force: true });
  }

  #context({ kind, params, timeoutMs, context, id = 'asked' }: AskedCheck): CheckContext {
    return {
      run: 'run-1',
      check: { id, gate: 'G5', kind, params, seenBy: 'host', timeoutMs },
      release: this.#release(),
      manifest: this.#manifest,
      places: {
        rootPrefix: this.rootPrefix,
        installRoot: this.installRoot,
        installPath: this.installPath,
        staging: join(this.installRoot, '.keyturn/staging/run-1'),
        aside: join(this.installRoot, '.keyturn/aside/run-1'),
        hidden: [],
      },
      facts: { load: () => undefined, save: () => undefined },
      secrets: { read: (name) => secretBytes(this.#content.secrets?.[name]) },
      sandbox,
      sandboxRule: 'required',
      signal: new AbortController().signal,
      ...context,
    };
  }

  #release(): SignedRelease {
    const blob = { sha256: 'a'.repeat(64), size: 1 };
    const entrypoints = Object.entries(this.#content.entrypoints ?? {}).map(([name, entrypoint]) => [
      name,
      { live: false, stopGates: [], network: false, writable: [], ...entrypoint },
    ]);
    return {
      statementDigest: 'a'.repeat(64),
      statement: {
        schema: 'keyturn.release/v1',
        app: 'iu-cutter',
        version: 'v0.6',
        commit: 'a'.repeat(40),
        treeDigest: manifestTreeDigest(this.#manifest),
        manifest: blob,
        plan: blob,
        buildRecord: blob,
        provenance: blob,
        archive: { ...blob, name: 'iu-cutter-v0.6.tar.gz' },
      },
      plan: {
        schema: 'keyturn.plan/v1',
        app: 'iu-cutter',
        version: 'v0.6',
        install: { root: ROOT, preserve: ['iu-cutter'] },
        artifact: { forbid: [] },
        requires: { tools: {} },
        secrets: Object.keys(this.#content.secrets ?? {}),
        entrypoints: Object.fromEntries(entrypoints),
        invariants: {
          'production-counts': {
            sql: { dsn: 'governance_ro', queries: { documents: 'select count(*) from documents' } },
          },
        },
        gates: [],
      },
    };
  }
}

/** Asks one check of a new world, and tells what stood on that host before and after. */
export async function askOnce(
  content: WorldContent,
  asked: AskedCheck | ((world: CheckWorld) => AskedCheck),
): Promise<Answer & { readonly isHostUntouched: boolean }> {
  await using world = new CheckWorld(content);
  const ask = typeof asked === 'function' ? asked(world) : asked;
  const before = await world.digest();
  const answer = await world.ask(ask);
  return { ...answer, isHostUntouched: before === (await world.digest()) };
}

export function python(script: string, ...rest: string[]): { argv: string[] } {
  return { argv: ['python3', script, ...rest] };
}

function secretBytes(secret: string | undefined): Uint8Array | undefined {
  return secret === undefined ? undefined : Buffer.from(secret);
}

function modeOf(text: string): number {
  return text.startsWith('#!') ? 0o755 : 0o644;
}

function manifestOf(files: Readonly<Record<string, string>>): Manifest {
  const regular = Object.entries(files).filter(([, text]) => !text.startsWith('-> '));
  return createManifest(
    regular.map(([path, text]) => ({
      kind: 'file',
      path,
      mode: modeOf(text) === 0o755 ? 0o755 : 0o644,
      size: Buffer.byteLength(text),
      sha256: sha256(text),
    })),
  );
}
