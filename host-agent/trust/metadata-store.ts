/**
 * The agent's durable memory of what it trusts, in the journal's database (WAL, `synchronous=FULL`; whoever opens the
 * database sees to that: `openTrustDatabase` for those who have no journal).
 *
 * 1. A set of metadata is adopted in one transaction: after a crash the old set is there or the new one. // P8
 * 2. Adoption compares what is stored with what the refresh started from: two refreshes never mix their results.
 * 3. The root never goes back and is never empty.
 * 4. Verified targets are copies that save a fetch: what is trusted decides which of them count. They are bounded, and
 *    taking one away forgets no version. The policy alone stays for good: kills are judged by it out of touch.
 */
import Database from 'better-sqlite3';

import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { listedDigests, POLICY_PATH, versionOf } from '../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';

type Row = { readonly name: string; readonly bytes: Buffer };
type TargetRow = { readonly path: string; readonly sha256: string };

/** Creates the tables of trust in a database, if they are not there. */
export function installTrustSchema(db: Database.Database): void {
  db.exec(`
    create table if not exists trusted_metadata (
      name text primary key,
      bytes blob not null check (length(bytes) > 0),
      adopted_at text not null
    ) strict;
    create table if not exists verified_target (
      path text primary key,
      sha256 text not null check (length(sha256) = 64),
      bytes blob not null
    ) strict;
  `);
}

/** Opens (and creates) a database that holds nothing but trust. The agent keeps trust in its journal instead. */
export function openTrustDatabase(path: string): Database.Database {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  installTrustSchema(db);
  return db;
}

/** The trusted set; empty before enrolment. */
export function loadTrusted(db: Database.Database): TrustedMetadata {
  const rows = db.prepare<[], Row>('select name, bytes from trusted_metadata').all();
  return new Map(rows.map((row) => [row.name, row.bytes]));
}

/**
 * Replaces the trusted set `before` by `after`, all or nothing. Errors: `TransientError` when another set was adopted
 * meanwhile (refresh again), `root-rolled-back`, `trusted-root-missing`; nothing is changed then.
 */
export function adoptTrusted(
  db: Database.Database,
  before: TrustedMetadata,
  after: TrustedMetadata,
  { adoptedAt }: { readonly adoptedAt: Date },
): void {
  checkRootGoesForward(before, after);
  db.transaction(() => {
    if (!isSameSet(loadTrusted(db), before)) {
      throw new TransientError('failed to adopt trusted metadata: another set was adopted meanwhile');
    }
    writeDifference(db, before, after, adoptedAt);
  }).immediate();
}

/**
 * Replaces whatever is trusted by `baseline`: enrolment, and nothing else. The caller has the baseline from the operator
 * who runs the enrolment, not from the network.
 */
export function resetTrusted(
  db: Database.Database,
  baseline: TrustedMetadata,
  options: { readonly adoptedAt: Date },
): void {
  db.transaction(() => {
    db.exec('delete from verified_target');
    writeDifference(db, loadTrusted(db), baseline, options.adoptedAt);
  }).immediate();
}

/**
 * Keeps a small target whose digest was verified, so that a restart out of touch still finds the policy. Others go for it
 * that the trusted set does not list any more, and those that were verified longest ago beyond `verifiedTargetCount`.
 */
export function saveVerifiedTarget(
  db: Database.Database,
  path: string,
  target: { sha256: Sha256; bytes: Buffer },
): void {
  db.transaction(() => {
    db.prepare('insert or replace into verified_target (path, sha256, bytes) values (?, ?, ?)').run(
      path,
      target.sha256,
      target.bytes,
    );
    pruneVerifiedTargets(db);
  }).immediate();
}

/** Rows are numbered in the order in which they were written. */
function pruneVerifiedTargets(db: Database.Database): void {
  const kept = db
    .prepare<[string], TargetRow>('select path, sha256 from verified_target where path <> ? order by rowid desc')
    .all(POLICY_PATH);
  const listings = [...loadTrusted(db).values()].map(listedDigests);
  const isListed = ({ path, sha256 }: TargetRow) => listings.some((listing) => listing.get(path) === sha256);
  const wanted = new Set(kept.filter(isListed).slice(0, LIMITS.verifiedTargetCount));
  const remove = db.prepare('delete from verified_target where path = ?');
  for (const row of kept) if (!wanted.has(row)) remove.run(row.path);
}

/** The target as it was when it was verified last, or undefined. */
export function loadVerifiedTarget(db: Database.Database, path: string): { sha256: Sha256; bytes: Buffer } | undefined {
  return db
    .prepare<[string], { sha256: Sha256; bytes: Buffer }>('select sha256, bytes from verified_target where path = ?')
    .get(path);
}

function writeDifference(
  db: Database.Database,
  before: TrustedMetadata,
  after: TrustedMetadata,
  adoptedAt: Date,
): void {
  const remove = db.prepare('delete from trusted_metadata where name = ?');
  const write = db.prepare('insert or replace into trusted_metadata (name, bytes, adopted_at) values (?, ?, ?)');
  for (const name of before.keys()) if (!after.has(name)) remove.run(name);
  for (const [name, bytes] of after) {
    if (!isSame(before.get(name), bytes)) write.run(name, bytes, adoptedAt.toISOString());
  }
}

function checkRootGoesForward(before: TrustedMetadata, after: TrustedMetadata): void {
  const [old, next] = [before.get('root.json'), after.get('root.json')];
  if (next === undefined || next.length === 0) {
    throw new RejectedError('trusted-root-missing', 'failed to adopt trusted metadata: it has no root');
  }
  if (old === undefined || isSame(old, next)) return;
  const [oldVersion, nextVersion] = [versionOf(old), versionOf(next)];
  if (nextVersion > oldVersion) return;
  throw new RejectedError(
    'root-rolled-back',
    `failed to adopt trusted metadata: expected a root after version ${oldVersion}, got ${nextVersion}`,
  );
}

function isSameSet(one: TrustedMetadata, other: TrustedMetadata): boolean {
  return one.size === other.size && [...one].every(([name, bytes]) => isSame(other.get(name), bytes));
}

function isSame(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0;
}
