/**
 * What a run came to, as it can be told from a host's own disk: judged from the signed ledger by the same code as
 * everybody's, and compared between runs after what may differ (times, run ids, folders) has been named away.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { hostFolders } from '../../host-agent/host/host-config.ts';
import { IdentityStore } from '../../host-agent/link/identity-store.ts';
import { sha256 } from '../../shared/digest.ts';
import type { LedgerEntryBody } from '../../shared/ledger/entry.ts';
import { checkKinds } from '../../shared/ledger/kinds/registry.ts';
import { readLedgerBundle, type VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import type { Expectation } from '../../shared/ledger/status.ts';
import { DEPLOY_MANIFEST_NAME } from '../../shared/release/path-rules.ts';
import { snapshotOf } from './install-fixture.ts';
import type { WorldHost } from './world-host.ts';

export type OutcomeHost = Pick<WorldHost, 'stateDirectory' | 'rootPrefix' | 'installRoot' | 'read'>;

export interface RunOutcome {
  readonly phase: string;
  readonly verdict: string;
  /** Every gate and check with its status and each of its expectations. */
  readonly gates: unknown;
  readonly findings: unknown;
  readonly subGaps: unknown;
  /** One line for each ledger entry, in order. */
  readonly story: readonly string[];
  /** One line for each path below the install root. */
  readonly root: readonly string[];
  /** SHA-256 over those lines. */
  readonly rootDigest: string;
}

export function outcomeOf(host: OutcomeHost, run: string): RunOutcome {
  const ledger = ledgerOf(host, run);
  const { summary } = ledger;
  const root = rootLines(host, run);
  return named(host, run, {
    phase: summary.phase,
    verdict: summary.verdict,
    gates: summary.gates.map(({ gate, status, gapsAccepted, checks }) => ({
      gate,
      status,
      gapsAccepted,
      checks: checks.map(({ id, kind, status: checkStatus, expectations, reason }) => ({
        id,
        kind,
        status: checkStatus,
        expectations: expectations.map(asOutcome),
        reason,
      })),
    })),
    findings: summary.findings
      .filter(({ code }) => code !== OTHERS_BUSINESS)
      .map(({ code, gate, check, statement }) => ({ code, gate, check, statement })),
    subGaps: summary.subGaps.map(({ expiresAt, evidenceId, ...rest }) => ({
      ...rest,
      expires: expiresAt !== undefined,
    })),
    story: ledger.entries.map(({ entry }) => lineOf(entry.body)),
    root,
    rootDigest: sha256(root.join('\n')),
  });
}

/** The ledger in the host's journal, its chain, head and materials verified. */
export function ledgerOf(host: OutcomeHost, run: string): VerifiedLedger {
  const hostPublicKey = new IdentityStore(hostFolders(host.stateDirectory).identity).openLedgerKey().publicKeyPem;
  return host.read((journal) => {
    const { statement, plan, policy, 'build-record': buildRecord } = journal.materials(run);
    const head = journal.head(run) ?? Buffer.alloc(0);
    const bundle = { entries: journal.entries(run), head, hostPublicKey, statement, plan, buildRecord, policy };
    return readLedgerBundle(bundle, { kinds: checkKinds, hostPublicKey });
  });
}

interface CheckOfRun {
  readonly run: string;
  readonly check: string;
}

/** The status of one check; undefined when the run has no such check. */
export function statusOf(host: OutcomeHost, check: CheckOfRun): string | undefined {
  return rowOf(host, check)?.status;
}

/** What the check observed; undefined when it observed nothing. */
export function observationOf(host: OutcomeHost, check: CheckOfRun): unknown {
  const result = rowOf(host, check)?.evidence?.result;
  return result?.did === 'observe' ? result.observation : undefined;
}

function rowOf(host: OutcomeHost, { run, check }: CheckOfRun) {
  const { gates } = ledgerOf(host, run).summary;
  return gates.flatMap(({ checks }) => checks).find(({ id }) => id === check);
}

/** The first lines of either value, as JSON, that the other has not; none when both are the same. */
export function differingLines(one: unknown, other: unknown): string[] {
  const [here, there] = [one, other].map((value) => JSON.stringify(value, null, 1).split('\n'));
  const only = (lines: readonly string[] = [], others: readonly string[] = [], sign: string) =>
    lines.filter((line, at) => line !== others[at]).map((line) => `${sign} ${line.trim()}`);
  return isDeepStrictEqual(here, there) ? [] : [...only(here, there, '-'), ...only(there, here, '+')].slice(0, 24);
}

/** Names in the install root, sorted. */
export function namesInRoot({ installRoot }: Pick<OutcomeHost, 'installRoot'>): string[] {
  return readdirSync(installRoot).sort();
}

/** Every path of the neighbours with kind, mode and content: what no run may change (P5). */
export function neighbourLines(host: Pick<OutcomeHost, 'installRoot'>, installation: string): string[] {
  return snapshotOf(host.installRoot).filter((line) => !line.includes(` ${installation}`));
}

/** Tells that a process of somebody else vanished while it was looked at. */
const OTHERS_BUSINESS = 'processes-hidden';

/** Texts that say how much there was at that instant; whether it was enough is compared. */
const MEASURED = new Set(['free bytes', 'free inodes', 'processes read', 'tree digest after the attempt']);

function asOutcome(expectation: Expectation): Expectation {
  const { what, met } = expectation;
  return MEASURED.has(what) ? { what, met, expected: 'measured', actual: 'measured' } : expectation;
}

function lineOf(body: LedgerEntryBody): string {
  switch (body.type) {
    case 'run-admitted':
      return `admitted ${body.app} ${body.version} to ${body.installPath}`;
    case 'phase-entered':
      return `phase ${body.from} -> ${body.to}: ${body.reason}`;
    case 'check-recorded':
      return `check ${body.evidence.gate} ${body.evidence.check} ${body.evidence.result.did}`;
    case 'ruling-recorded':
      return `ruling ${body.check} ${body.decision}`;
  }
}

/** `DEPLOY-MANIFEST.txt` names its run, its host and the instant: its other lines are compared. */
function rootLines({ installRoot }: OutcomeHost, run: string): string[] {
  return snapshotOf(installRoot).map((line) => {
    const [, path = ''] = new RegExp(`^file \\d+ (.+/${DEPLOY_MANIFEST_NAME}) `).exec(line) ?? [];
    if (path === '') return line;
    const text = readFileSync(join(installRoot, path), 'utf8');
    const maker = text.includes(`# run: ${run}\n`) ? 'this run' : 'another run';
    return `file ${path} of ${maker} ${sha256(text.replace(/^# (run|host|date): .+$/gm, '# $1'))}`;
  });
}

/** Whether a file was fetched or found in what an interrupted run had fetched may differ; their sum may not. */
function named<T>({ rootPrefix }: OutcomeHost, run: string, value: T): T {
  const text = JSON.stringify(value)
    .replace(/(\d+) fetched, (\d+) copied/g, (_, fetched, copied) => `${Number(fetched) + Number(copied)} received`)
    .replaceAll(JSON.stringify(rootPrefix).slice(1, -1), '<root>')
    .replaceAll(run, '<run>');
  return JSON.parse(text) as T;
}
