/**
 * What the rest of the agent sees of the trust root: refresh, find a target, read a small one.
 *
 * Every answer comes out of a refresh: nothing is looked up in stored metadata alone, for after a failed refresh that
 * need not belong together. Calls on one client are run one after the other.
 */
import type { Database } from 'better-sqlite3';

import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { collectBounded, type TrustSource } from '../../shared/trust/source.ts';
import { checkTargetBytes, isTarget, repositoryPath } from '../../shared/trust/target.ts';
import { hasConsistentSnapshots } from '../../shared/trust/tuf-metadata.ts';
import {
  type RefreshOutcome,
  type RefreshRequest,
  type RefreshResult,
  refreshTrust,
  type TrustedMetadata,
  type TrustedTarget,
} from '../../shared/trust/tuf-refresh.ts';
import { adoptTrusted, loadTrusted, loadVerifiedTarget, saveVerifiedTarget } from './metadata-store.ts';

export type TrustClientOptions = {
  /** Holds the tables of `installTrustSchema` and a baseline with at least a root. */
  readonly db: Database;
  readonly source: TrustSource;
  readonly rules: RefreshRequest['rules'];
  /** The agent's trusted time; the clock's by default. */
  readonly now?: () => Date;
};

type Found = Pick<RefreshResult, 'targets' | 'trusted'>;

export class TrustClient {
  readonly #db: Database;
  readonly #source: TrustSource;
  readonly #rules: RefreshRequest['rules'];
  readonly #now: () => Date;
  #last: Promise<unknown> = Promise.resolve();

  constructor({ db, source, rules, now = () => new Date() }: TrustClientOptions) {
    this.#db = db;
    this.#source = source;
    this.#rules = rules;
    this.#now = now;
  }

  /** Refreshes and adopts what may be adopted. The outcome says whether the whole is fresh; it does not throw for that. */
  async refresh(): Promise<RefreshOutcome> {
    return this.#inTurn(async () => (await this.#refresh('top-level')).outcome);
  }

  /** Refreshes, and finds a target; undefined when no trusted role lists it. Throws what a failed refresh failed with. */
  async findTarget(path: string): Promise<TrustedTarget | undefined> {
    return this.#inTurn(async () => (await this.#find([path])).targets.get(path));
  }

  /**
   * Refreshes, finds a target, and reads it into memory; length and digests are verified. What is held already, by the
   * caller (`copy`) or from an earlier reading, is not fetched again while it is what the trusted role lists. Errors: as
   * `findTarget`; `target-unknown`, `target-too-large`, `target-differs`.
   */
  async readTarget(path: string, options: { maxBytes?: number; copy?: Buffer } = {}): Promise<Buffer> {
    return this.#inTurn(async () => this.#read(path, { ...(await this.#find([path])), ...options }));
  }

  /** Reads several targets, in their order, out of one refresh. Errors: as `readTarget`. */
  async readTargets(paths: readonly string[]): Promise<Buffer[]> {
    return this.#inTurn(async () => {
      const found = await this.#find(paths);
      const contents: Buffer[] = [];
      for (const path of paths) contents.push(await this.#read(path, found));
      return contents;
    });
  }

  async #read(path: string, found: Found & { maxBytes?: number; copy?: Buffer }): Promise<Buffer> {
    const target = found.targets.get(path);
    if (target === undefined) {
      throw new RejectedError('target-unknown', `failed to read target "${path}": no trusted role lists it`);
    }
    checkTargetSize(target, found.maxBytes ?? LIMITS.trustTargetBytes);
    return this.#held(target, found.copy) ?? this.#download(target, found.trusted);
  }

  async #find(paths: readonly string[]): Promise<Found> {
    const { outcome, targets, trusted } = await this.#refresh(paths);
    if (outcome.kind === 'failed') throw outcome.error;
    return { targets, trusted };
  }

  async #refresh(targets: RefreshRequest['targets']): Promise<RefreshResult> {
    const trusted = loadTrusted(this.#db);
    const now = this.#now();
    const result = await refreshTrust({ trusted, source: this.#source, targets, rules: this.#rules, now });
    if (trusted.size > 0) adoptTrusted(this.#db, trusted, result.trusted, { adoptedAt: now });
    return result;
  }

  #held(target: TrustedTarget, copy: Buffer | undefined): Buffer | undefined {
    const known = loadVerifiedTarget(this.#db, target.path)?.bytes;
    return [copy, known].find((bytes) => bytes !== undefined && isTarget(target, bytes));
  }

  async #download(target: TrustedTarget, trusted: TrustedMetadata): Promise<Buffer> {
    const root = trusted.get('root.json');
    const path = root !== undefined && hasConsistentSnapshots(root) ? repositoryPath(target) : target.path;
    const bytes = await collectBounded(this.#source.fetchTarget(path), { maxBytes: target.length, what: target.path });
    checkTargetBytes(target, bytes);
    if (target.sha256 !== undefined && bytes.length <= LIMITS.trustTargetBytes) {
      saveVerifiedTarget(this.#db, target.path, { sha256: target.sha256, bytes });
    }
    return bytes;
  }

  /** One after the other, whether or not the one before succeeded. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(action, action);
    this.#last = turn;
    return turn;
  }
}

function checkTargetSize(target: TrustedTarget, maxBytes: number): void {
  if (target.length <= maxBytes) return;
  throw new RejectedError(
    'target-too-large',
    `failed to read target "${target.path}": expected at most ${maxBytes} bytes, got ${target.length}`,
  );
}
