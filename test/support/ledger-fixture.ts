/**
 * Real signed ledgers for tests: real keys, real chain, real digests. The check kinds are made up and all alike: an
 * observation says what it `saw`, and it passes when that is what the check `promised`.
 */
import { z } from 'zod';
import { encodeCanonical, type Json } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { type AnyCheckKind, type CheckKind, expectEqual } from '../../shared/ledger/check-kind.ts';
import { type LedgerEntryBody, type RunPhase, type SealedEntry, sealEntry } from '../../shared/ledger/entry.ts';
import type { Evidence, EvidenceResult } from '../../shared/ledger/evidence.ts';
import { type HeadFacts, signHead } from '../../shared/ledger/head.ts';
import { type LedgerBundle, readLedgerBundle, type VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import {
  installPath,
  type PlannedCheck,
  plannedChecks,
  type SignedRelease,
} from '../../shared/ledger/planned-checks.ts';
import { type BuildRecord, encodeBuildRecord } from '../../shared/release/build-record.ts';
import { encodePlan, type Plan } from '../../shared/release/plan.ts';
import { encodeReleaseStatement, type ReleaseStatement } from '../../shared/release/release-statement.ts';
import { generateKey, type SigningKey } from '../../shared/trust/keys.ts';
import type { AcceptedSubGap } from '../../shared/trust/policy.ts';

export const PROMISED = 'as promised';

const observationSchema = z.looseObject({ saw: z.string(), notes: z.array(z.string()).optional() });

function madeUpKind(kind: string): CheckKind<Record<string, unknown>, z.infer<typeof observationSchema>> {
  return {
    kind,
    params: z.record(z.string(), z.unknown()),
    observation: observationSchema,
    timeoutMs: 1000,
    judge: (_params, { saw, notes = [] }) => ({
      expectations: [expectEqual(`what ${kind} saw`, PROMISED, saw)],
      findings: notes.map((statement) => ({ code: 'noted', statement })),
    }),
  };
}

export interface LedgerFixture {
  readonly bundle: LedgerBundle;
  readonly entries: readonly SealedEntry[];
  readonly hostKey: SigningKey;
  readonly headFacts: HeadFacts;
  readonly release: SignedRelease;
  readonly kinds: ReadonlyMap<string, AnyCheckKind>;
  read(): VerifiedLedger;
}

export interface FixtureOptions {
  readonly run?: string;
  readonly host?: string;
  readonly gates?: Plan['gates'];
  readonly preserve?: readonly string[];
  /** By check id; `undefined` leaves the check out of the ledger. Others see what was promised. */
  readonly results?: Readonly<Record<string, EvidenceResult | undefined>>;
  readonly capsules?: Readonly<Record<string, Evidence['capsule']>>;
  readonly accept?: readonly AcceptedSubGap[];
  readonly requiredGates?: readonly string[];
  readonly lastPhase?: RunPhase;
  readonly hostKey?: SigningKey;
  /** The log that the policy names, as a verifier key. */
  readonly log?: string;
}

export const DEFAULT_GATES: Plan['gates'] = [
  {
    gate: 'G5',
    checks: [
      { id: 'unit', kind: 'exec', params: { argv: ['python3', '-m', 'unittest'] }, timeoutMs: 60_000 },
      { id: 'no-live', kind: 'refuses-live', params: { entrypoint: 'live' }, timeoutMs: 60_000 },
    ],
  },
  {
    gate: 'G6',
    checks: [
      { id: 'dry', kind: 'dryrun', params: { entrypoint: 'dryrun', invariants: ['counts'] }, timeoutMs: 60_000 },
    ],
  },
];

const ANCHOR_READ = { is: 'folder', digest: sha256('neighbour') };
const ANCHORS = { anchors: [{ path: '/opt/incomex/dot/iu-cutter', reads: [ANCHOR_READ, ANCHOR_READ, ANCHOR_READ] }] };

/** What the special lines of reports look for, in the shapes of the real kinds. */
const OBSERVED_EXTRAS: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  'g1.source-tests': { counts: { runner: 'unittest', ran: 366, passed: 366, failed: 0, errors: 0, skipped: 0 } },
  'g2.artifact-digest': { files: 80, links: 0 },
  'g3.anchors-before': ANCHORS,
  'g4.anchors-after': ANCHORS,
  'g7.anchors-rehearsed': ANCHORS,
  'g7.rehearsal': { durationMs: 38 },
  unit: { tests: { runner: 'unittest', ran: 366, passed: 366, failed: 0, errors: 0, skipped: 0 } },
};

export function saw(text: string, extras: Readonly<Record<string, Json>> = {}): EvidenceResult {
  return { did: 'observe', observation: { saw: text, ...extras } as never };
}

/** A run in which everything passed, unless `options` say otherwise. */
export function ledgerFixture(options: FixtureOptions = {}): LedgerFixture {
  const { run = 'run-7', host = 'devhost-1', hostKey = generateKey() } = options;
  const planned = { plan: planOf(options) };
  const policy = policyBytes(options);
  const plan = encodePlan(planned.plan);
  const draft = statementOf(planned.plan, { plan, buildRecord: Buffer.alloc(0) });
  const checks = plannedChecks({ statement: draft, plan: planned.plan, statementDigest: sha256('') });
  const buildRecord = encodeBuildRecord(buildRecordOf(checks, options));
  const statement = statementOf(planned.plan, { plan, buildRecord });
  const statementBytes = encodeReleaseStatement(statement);
  const release = { statement, plan: planned.plan, statementDigest: sha256(statementBytes) };
  const bodies = bodiesOf(release, { policyDigest: sha256(policy), options });
  const entries = sealAll(bodies, { run, host });
  const headFacts = headFactsOf(entries, release, sha256(policy));
  const kinds = new Map(plannedChecks(release).map(({ kind }) => [kind, madeUpKind(kind)] as const));
  const bundle: LedgerBundle = {
    entries: entries.map(({ bytes }) => bytes),
    head: signHead(headFacts, hostKey),
    hostPublicKey: hostKey.publicKeyPem,
    statement: statementBytes,
    plan,
    buildRecord,
    policy,
  };
  const read = () => readLedgerBundle(bundle, { kinds, hostPublicKey: hostKey.publicKeyPem });
  return { bundle, entries, hostKey, headFacts, release, kinds, read };
}

/** Chains bodies as a host would, one second after the other. */
export function sealAll(
  bodies: readonly LedgerEntryBody[],
  { run, host }: { run: string; host: string },
): SealedEntry[] {
  const entries: SealedEntry[] = [];
  for (const body of bodies) entries.push(sealEntry(entries.at(-1), { run, host, at: instant(entries.length) }, body));
  return entries;
}

export function headFactsOf(
  entries: readonly SealedEntry[],
  { statement }: SignedRelease,
  policyDigest: string,
): HeadFacts {
  const last = entries.at(-1) as SealedEntry;
  const { app, version, treeDigest, plan } = statement;
  const { run, host, at } = last.entry;
  return {
    app,
    version,
    treeDigest,
    run,
    host,
    size: entries.length,
    head: last.digest,
    planDigest: plan.sha256,
    policyDigest,
    at,
  };
}

function instant(second: number): string {
  return new Date(Date.UTC(2026, 4, 21, 9, 0, second)).toISOString();
}

function planOf({ gates = DEFAULT_GATES, preserve = ['iu-cutter'] }: FixtureOptions): Plan {
  return {
    schema: 'keyturn.plan/v1',
    app: 'iu-cutter',
    version: '0.6',
    install: { root: '/opt/incomex/dot', preserve: [...preserve] },
    artifact: { forbid: ['.env*', '*.pem'] },
    tests: { argv: ['python3', '-m', 'unittest', 'discover'], min: 366, failed: 0, timeoutMs: 60_000 },
    requires: { tools: {} },
    secrets: [],
    entrypoints: {
      dryrun: { argv: ['python3', '-m', 'cutter', 'dryrun'], live: false, stopGates: [], network: false, writable: [] },
      live: { argv: ['python3', '-m', 'cutter', 'live'], live: true, stopGates: [], network: false, writable: [] },
    },
    invariants: {},
    gates,
  };
}

function statementOf(plan: Plan, bytes: { plan: Buffer; buildRecord: Buffer }): ReleaseStatement {
  const blob = (content: Buffer) => ({ sha256: sha256(content), size: content.length });
  return {
    schema: 'keyturn.release/v1',
    app: plan.app,
    version: plan.version,
    commit: '6625f76'.padEnd(40, '0'),
    treeDigest: sha256('tree'),
    manifest: blob(Buffer.from('manifest')),
    plan: blob(bytes.plan),
    buildRecord: blob(bytes.buildRecord),
    provenance: blob(Buffer.from('provenance')),
    archive: { ...blob(Buffer.from('archive')), name: `${plan.app}-${plan.version}.tar.gz` },
  };
}

function buildRecordOf(checks: readonly PlannedCheck[], options: FixtureOptions): BuildRecord {
  return {
    schema: 'keyturn.build-record/v1',
    checks: checks
      .filter(({ seenBy }) => seenBy === 'build')
      .flatMap((check) => {
        const result = resultOf(check, options);
        if (result?.did !== 'observe') return [];
        return [{ check: check.id, gate: check.gate as 'G0', kind: check.kind, observation: result.observation }];
      }),
  };
}

function policyBytes({ accept = [], requiredGates = ['G0', 'G8'], log }: FixtureOptions): Buffer {
  const approver = POLICY_KEY;
  return encodeCanonical({
    version: 1,
    approvers: [{ keyId: approver.keyId, publicKey: approver.publicKeyPem, holder: 'Ada', team: 'operations' }],
    rules: [
      {
        match: {},
        quorum: [{ team: 'operations', count: 1 }],
        separation: true,
        maxLeaseMs: 3_600_000,
        freshnessGraceMs: 60_000,
      },
    ],
    subGaps: { accept },
    gates: { required: requiredGates },
    checkKinds: { allowed: ['exec'] },
    sandbox: 'required',
    forbidden: ['service-change', 'production-write'],
    timestampExpiresMs: 3_600_000,
    retention: { keep: 2 },
    ...(log !== undefined && { log }),
  });
}

const POLICY_KEY = generateKey();

function bodiesOf(
  release: SignedRelease,
  { policyDigest, options }: { policyDigest: string; options: FixtureOptions },
): LedgerEntryBody[] {
  const checks = plannedChecks(release);
  const report = checks.filter(({ gate }) => gate === 'G8');
  const host = checks.filter(({ gate }) => gate !== 'G8');
  return [
    admissionBody(release, policyDigest),
    phase('admitted', 'preflight'),
    ...host.flatMap((check) => checkBody(check, options)),
    phase('preflight', options.lastPhase ?? 'proven'),
    ...report.flatMap((check) => checkBody(check, options)),
  ];
}

export function admissionBody(release: SignedRelease, policyDigest: string): LedgerEntryBody {
  const { statement, statementDigest } = release;
  return {
    type: 'run-admitted',
    app: statement.app,
    version: statement.version,
    commit: statement.commit,
    statementDigest,
    treeDigest: statement.treeDigest,
    manifestDigest: statement.manifest.sha256,
    planDigest: statement.plan.sha256,
    buildRecordDigest: statement.buildRecord.sha256,
    policyDigest,
    trust: ['root 1', 'timestamp 4'],
    installPath: installPath(release),
    agentVersion: '0.1.0',
  };
}

function phase(from: RunPhase, to: RunPhase): LedgerEntryBody {
  return { type: 'phase-entered', from, to, reason: `left ${from}` };
}

function checkBody(check: PlannedCheck, options: FixtureOptions): LedgerEntryBody[] {
  const result = resultOf(check, options);
  if (result === undefined) return [];
  const { id, gate, kind } = check;
  const capsule = options.capsules?.[id];
  const evidence: Evidence = {
    check: id,
    gate,
    kind,
    startedAt: instant(0),
    durationMs: 40 + id.length,
    result,
    ...(capsule ? { capsule } : {}),
  };
  return [{ type: 'check-recorded', evidence }];
}

function resultOf(check: PlannedCheck, { results = {} }: FixtureOptions): EvidenceResult | undefined {
  if (Object.hasOwn(results, check.id)) return results[check.id];
  return saw(PROMISED, OBSERVED_EXTRAS[check.id]);
}
