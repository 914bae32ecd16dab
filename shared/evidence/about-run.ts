/**
 * Which records of the log concern one run. The one who takes evidence selects by this, and the one who verifies it takes
 * nothing else.
 *
 * An order that was issued before the host admitted the run cannot be about it: what it would have to name, the head of the
 * run's ledger, was not there yet.
 */
import { type Sha256, sha256 } from '../digest.ts';
import { LIMITS } from '../limits.ts';
import { type KillRecord, readKillRecord } from '../orders/kill-record.ts';
import type { LogKind } from '../transparency/log-record.ts';
import {
  EXECUTION_ENABLE_PREDICATE,
  EXECUTION_KILL_PREDICATE,
  EXECUTION_RECEIPT_PREDICATE,
  LEDGER_HEAD_PREDICATE,
  RULING_PREDICATE,
} from '../trust/statement.ts';
import { isJsonArray } from '../trust/strict-json.ts';
import { type ClaimedStatement, claimedStatement } from './claimed-statement.ts';

export interface RunSubject {
  readonly run: string;
  readonly host: string;
  readonly app: string;
  readonly treeDigest: Sha256;
  readonly admittedAtMs: number;
}

export interface LoggedDocument {
  readonly kind: LogKind;
  readonly document: Uint8Array;
}

/** Those that concern the run, in their order. An answer does when it answers one of them. */
export function recordsAbout<R extends LoggedDocument>(records: Iterable<R>, subject: RunSubject): R[] {
  const candidates = [...records].filter((record) => mayConcern(record, subject));
  const orders = new Set(candidates.filter(({ kind }) => kind !== 'receipt').map(({ document }) => sha256(document)));
  return candidates.filter(
    ({ kind, document }) => kind !== 'receipt' || orders.has(claimedStatement(document)?.subject.sha256 ?? ''),
  );
}

/** As far as a record by itself can say. What cannot be read concerns nobody. */
export function mayConcern({ kind, document }: LoggedDocument, subject: RunSubject): boolean {
  const unsigned = kind === 'kill' ? readKillRecord(document) : undefined;
  if (unsigned) return isKillOf(unsigned, subject);
  const claimed = claimedStatement(document);
  return claimed !== undefined && RULES[kind](claimed, subject);
}

function isKillOf({ app, hosts, atMs }: KillRecord, { app: ours, host, admittedAtMs }: RunSubject): boolean {
  const isMeant = hosts.length === 0 || hosts.includes(host);
  return app === ours && isMeant && atMs >= admittedAtMs - LIMITS.clockDifferenceMs;
}

type Rule = (claimed: ClaimedStatement, subject: RunSubject) => boolean;

const RULES: { readonly [kind in LogKind]: Rule } = {
  verdict: ({ predicateType, predicate }, { run }) => predicateType === LEDGER_HEAD_PREDICATE && predicate.run === run,
  enable: isEnable,
  // A signature under the same order, logged when it was given.
  approval: isEnable,
  kill: (claimed, subject) =>
    claimed.predicateType === EXECUTION_KILL_PREDICATE &&
    claimed.predicate.app === subject.app &&
    meansHost(claimed, subject) &&
    isSince(claimed, subject),
  ruling: ({ predicateType, predicate, subject: about }, { run }) =>
    predicateType === RULING_PREDICATE && (predicate.run === run || about.name === run),
  receipt: ({ predicateType, predicate }, { host, app }) =>
    predicateType === EXECUTION_RECEIPT_PREDICATE && predicate.host === host && predicate.app === app,
};

function isEnable(claimed: ClaimedStatement, subject: RunSubject): boolean {
  const { predicateType, subject: tree } = claimed;
  return (
    predicateType === EXECUTION_ENABLE_PREDICATE && tree.sha256 === subject.treeDigest && isSince(claimed, subject)
  );
}

function meansHost({ predicate: { hosts } }: ClaimedStatement, { host }: RunSubject): boolean {
  return hosts === undefined || (isJsonArray(hosts) && hosts.includes(host));
}

/** By the clocks of two machines, which may differ. */
function isSince({ predicate: { issuedAt } }: ClaimedStatement, { admittedAtMs }: RunSubject): boolean {
  return Date.parse(String(issuedAt)) >= admittedAtMs - LIMITS.clockDifferenceMs;
}
