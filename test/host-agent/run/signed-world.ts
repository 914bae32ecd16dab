/**
 * A host that is enrolled, and releases that people have signed for it: a real journal, a real install root, real
 * signatures. Only the connection is missing; what would come over it comes out of memory.
 */

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { lookAtGate } from '../../../host-agent/gate/read-gates.ts';
import type { BlobPiece, BlobSource, BlobWant } from '../../../host-agent/install/blob-source.ts';
import { DirectiveLog } from '../../../host-agent/journal/directives.ts';
import { createJournal, type JournalDatabase } from '../../../host-agent/journal/journal.ts';
import { JournalOutbox } from '../../../host-agent/journal/outbox.ts';
import { encodeLedgerEntry, encodeOutcome } from '../../../host-agent/link/report.ts';
import { type AdmissionMeans, type AdmissionRequest, admitRelease } from '../../../host-agent/run/admit-release.ts';
import type { DirectiveMeans } from '../../../host-agent/run/follow-directive.ts';
import { RunStore } from '../../../host-agent/run/run-store.ts';
import { loadTrusted, resetTrusted } from '../../../host-agent/trust/metadata-store.ts';
import { TrustClient } from '../../../host-agent/trust/trust-client.ts';
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { type Sha256, sha256 } from '../../../shared/digest.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { planKinds } from '../../../shared/ledger/kinds/registry.ts';
import { type BuildRecord, encodeBuildRecord } from '../../../shared/release/build-record.ts';
import { encodeManifest, manifestTreeDigest } from '../../../shared/release/manifest.ts';
import { encodePlan, type Plan } from '../../../shared/release/plan.ts';
import {
  encodeReleaseStatement,
  type ReleaseStatement,
  releaseTargetPath,
} from '../../../shared/release/release-statement.ts';
import { reportCodec } from '../../../shared/rpc/definitions.ts';
import type { Report } from '../../../shared/rpc/generated/messages.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import type { Policy } from '../../../shared/trust/policy.ts';
import { manifestOf, snapshotOf, type TreeContent, writeFiles } from '../../support/install-fixture.ts';
import { APP, TrustRoot, type TrustRootOptions } from './trust-root.ts';

export const NOW = new Date('2026-11-22T10:00:00.000Z');
export const HOST = 'devhost-1';
export const INSTALL_ROOT = '/opt/dot';
const APPROVER = generateKey();
const HOST_KEY = generateKey();

/** Tables of what a host has begun, decided or has to tell; what it trusts stands in others. */
const TABLES = ['runs', 'materials', 'ledger_entries', 'ledger_heads', 'facts', 'directives', 'outbox', 'gate_states'];

/** A release, as it is before it is signed; what is left out is in order. */
export interface ReleaseSpec {
  readonly plan?: Partial<Plan>;
  readonly content?: TreeContent;
  readonly buildRecord?: BuildRecord;
  /** Bytes in place of what would be encoded. */
  readonly bytes?: Partial<Record<'plan' | 'manifest' | 'buildRecord' | 'statement', Buffer>>;
  readonly statement?: Partial<ReleaseStatement>;
  /** Where it is listed; where its own name belongs unless said. */
  readonly target?: string;
}

export interface SignedRelease {
  readonly request: AdmissionRequest;
  readonly statement: ReleaseStatement;
}

export class SignedWorld implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'keyturn-signed-'));
  readonly stateDirectory = join(this.folder, 'state');
  readonly rootPrefix = join(this.folder, 'root');
  readonly trustRoot: TrustRoot;
  readonly database: JournalDatabase;
  readonly directives: DirectiveLog;
  readonly outbox: JournalOutbox;
  readonly store: RunStore;
  readonly blobs = new Map<Sha256, Buffer>();
  readonly stopping = new AbortController();
  /** What the agent was told of refusals. */
  readonly refusals: { readonly seq: number; readonly code: string }[] = [];
  blobSource: BlobSource = { fetch: (wants) => this.#serve(wants), chunksOf: noChunkList };
  now = NOW;

  constructor(options: Partial<Omit<TrustRootOptions, 'now'>> = {}) {
    this.trustRoot = new TrustRoot({ policy: policyBytes(), ...options, now: NOW });
    writeFiles(this.installRoot, { 'old/version.txt': '0.9\n' });
    mkdirSync(this.stateDirectory);
    this.database = createJournal(this.stateDirectory);
    resetTrusted(this.database, this.trustRoot.baseline, { adoptedAt: NOW });
    this.directives = new DirectiveLog(this.database);
    this.outbox = new JournalOutbox(this.database);
    this.store = new RunStore({
      database: this.database,
      outbox: this.outbox,
      host: HOST,
      hostKey: HOST_KEY,
      now: () => this.now,
      encodeLedgerReport: ({ run, seq, entry, head }) => encodeLedgerEntry({ runId: run, seq, entry, head }),
    });
  }

  get installRoot(): string {
    return join(this.rootPrefix, INSTALL_ROOT);
  }

  get hostKeyPem(): string {
    return HOST_KEY.publicKeyPem;
  }

  /** Makes a release, and has it listed by those who may. */
  publish(spec: ReleaseSpec = {}): SignedRelease {
    const { statement, bytes } = this.build(spec);
    const target = spec.target ?? releaseTargetPath(statement.app, statement.version);
    this.trustRoot.list(target, bytes);
    return { request: { target, statementDigest: sha256(bytes) }, statement };
  }

  /** The statement of a release whose content is served. */
  build(spec: ReleaseSpec): { statement: ReleaseStatement; bytes: Buffer } {
    const { manifest, blobs } = manifestOf(spec.content ?? { 'bin/run': 'echo inert\n' });
    const plan = { ...planOf(), ...spec.plan };
    const record = spec.buildRecord ?? { schema: 'keyturn.build-record/v1' as const, checks: [] };
    const bytes = { plan: encodePlanLoosely(plan), manifest: encodeManifest(manifest), ...spec.bytes };
    const content = { ...bytes, buildRecord: spec.bytes?.buildRecord ?? encodeBuildRecord(record) };
    for (const blob of [...blobs.values(), ...Object.values(content)]) this.blobs.set(sha256(blob), blob);
    const nothing = { sha256: sha256(''), size: 0 };
    const statement: ReleaseStatement = {
      schema: 'keyturn.release/v1',
      app: plan.app,
      version: plan.version,
      commit: '6625f76'.padEnd(40, '0'),
      treeDigest: manifestTreeDigest(manifest),
      manifest: referenceOf(content.manifest),
      plan: referenceOf(content.plan),
      buildRecord: referenceOf(content.buildRecord),
      provenance: nothing,
      archive: { ...nothing, name: 'app-1.0.tar.gz' },
      ...spec.statement,
    };
    return { statement, bytes: spec.bytes?.statement ?? encodeReleaseStatement(statement) };
  }

  admit(request: AdmissionRequest): ReturnType<typeof admitRelease> {
    return admitRelease(request, this.admissionMeans());
  }

  admissionMeans(): AdmissionMeans {
    const { database, trustRoot, store } = this;
    return {
      trust: new TrustClient({ db: database, source: trustRoot.source, rules: 'keyturn', now: () => this.now }),
      trusted: () => loadTrusted(database),
      now: () => this.now,
      blobs: {
        fetch: (wants, options) => this.blobSource.fetch(wants, options),
        chunksOf: (blob, options) => this.blobSource.chunksOf(blob, options),
      },
      newestMaterial: (name) => store.newestMaterial(name),
      kinds: planKinds,
      installRoots: [INSTALL_ROOT, '/srv/apps'],
      signal: this.stopping.signal,
    };
  }

  directiveMeans(): DirectiveMeans {
    const { database, directives, outbox, store } = this;
    return {
      ...this.admissionMeans(),
      database,
      directives,
      outbox,
      store,
      agentVersion: '0.0.0-test',
      encodeOutcome,
      followRuling: async () => {
        throw new Error('nobody rules in this world');
      },
      isGateOpen: (app) => lookAtGate(database, app).state === 'open',
      onRefused: ({ seq }, { code }: RejectedError) => this.refusals.push({ seq, code }),
    };
  }

  /** What waits for the control plane, oldest first. */
  reports(): Report[] {
    return this.outbox.pendingAfter(0, 10_000).map(({ bytes }) => reportCodec.decode(bytes));
  }

  /** Fills the journal up to its last page, and lets it grow no more. Gives what makes room again. */
  fillDisk(): () => void {
    const { database } = this;
    database.exec('create table filling (bytes blob)');
    database.pragma(`max_page_count = ${database.pragma('page_count', { simple: true })}`);
    const fill = database.prepare('insert into filling values (zeroblob(100))');
    try {
      for (;;) fill.run();
    } catch (error) {
      if (!(error instanceof Database.SqliteError) || error.code !== 'SQLITE_FULL') throw error;
    }
    return () => database.pragma('max_page_count = 1000000');
  }

  /** Everything that an attack must leave as it is. */
  traces(): { journal: Record<string, readonly unknown[]>; installRoot: readonly string[]; state: readonly string[] } {
    const rows = (table: string) => this.database.prepare(`select * from ${table}`).all();
    return {
      journal: Object.fromEntries(TABLES.map((table) => [table, rows(table)])),
      installRoot: snapshotOf(this.rootPrefix),
      state: readdirSync(this.stateDirectory).sort(),
    };
  }

  [Symbol.dispose](): void {
    this.database.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async *#serve(wants: readonly BlobWant[]): AsyncGenerator<BlobPiece> {
    for (const { sha256: digest, at, size } of wants) {
      const end = at.offset + at.length;
      // Whoever wants all of it gets all there is, and sees that it is too much.
      const data = this.blobs.get(digest)?.subarray(at.offset, end === size ? undefined : end);
      if (data !== undefined && data.length > 0) yield { sha256: digest, offset: at.offset, data };
    }
  }
}

/** Its files are small. */
async function noChunkList(): Promise<never> {
  throw new RejectedError('blob-not-chunked', 'no such list');
}

export function planOf(): Plan {
  return {
    schema: 'keyturn.plan/v1',
    app: APP,
    version: '1.0',
    install: { root: INSTALL_ROOT, preserve: ['old'] },
    artifact: { forbid: [] },
    requires: { tools: {} },
    secrets: [],
    entrypoints: {},
    invariants: {},
    gates: [{ gate: 'G5', checks: [absentCheck()] }],
  };
}

export function absentCheck(): Plan['gates'][number]['checks'][number] {
  return { id: 'no-env', kind: 'absent', params: { path: '.env' }, timeoutMs: 1000 };
}

export function policyBytes(change: Partial<Policy> = {}): Buffer {
  return encodeCanonical({
    version: 1,
    approvers: [{ keyId: APPROVER.keyId, publicKey: APPROVER.publicKeyPem, holder: 'An Nguyen', team: 'operations' }],
    rules: [
      {
        match: {},
        quorum: [{ team: 'operations', count: 1 }],
        separation: true,
        maxLeaseMs: 3_600_000,
        freshnessGraceMs: 60_000,
        reopen: false,
      },
    ],
    subGaps: { accept: [] },
    gates: { required: ['G0', 'G5', 'G8'] },
    checkKinds: { allowed: ['exec', 'absent', 'file', 'http', 'rehearsal'] },
    sandbox: 'required',
    forbidden: ['network', 'service-change'],
    timestampExpiresMs: 3_600_000,
    retention: { keep: 2 },
    ...change,
  });
}

/** As `encodePlan`, and for plans that it would refuse, too. */
function encodePlanLoosely(plan: Plan): Buffer {
  try {
    return encodePlan(plan);
  } catch {
    return encodeCanonical(plan); // what an honest encoder does not make, an attacker does
  }
}

function referenceOf(bytes: Buffer): { sha256: Sha256; size: number } {
  return { sha256: sha256(bytes), size: bytes.length };
}
