/**
 * The m-of-n rule, and nothing else: no clock, disk, network or randomness.
 *
 * A threshold counts distinct public keys. Names (key ids), repeated signatures and the order in which they come have
 * no weight. Callers pass only signers whose signature they verified with a key of our own keyring.
 */

/** A signer is told from another by the public key alone; use the raw bytes in hexadecimal, not a spelling. */
export type Signer = { readonly publicKey: string };

/** One clause of a quorum: so many distinct keys of that team. */
export type QuorumClause = { readonly team: string; readonly count: number };

export type TeamSigner = Signer & { readonly team: string };

/** A clause that is not met, with the distinct keys there were. */
export type UnmetClause = QuorumClause & { readonly actual: number };

/** The signers without repetitions, the first of each key, in order. */
export function distinctSigners<S extends Signer>(validSigners: Iterable<S>): S[] {
  const byKey = new Map<string, S>();
  for (const signer of validSigners) if (!byKey.has(signer.publicKey)) byKey.set(signer.publicKey, signer);
  return [...byKey.values()];
}

export function countDistinct(validSigners: Iterable<Signer>): number {
  return distinctSigners(validSigners).length;
}

/** True when at least `threshold` distinct keys signed. Throws on a threshold that is no positive integer. */
export function meetsThreshold(validSigners: Iterable<Signer>, threshold: number): boolean {
  assertThreshold(threshold);
  return countDistinct(validSigners) >= threshold;
}

/**
 * The clauses that are not met; empty when all are, for a quorum is the AND of its clauses. A key that is listed under
 * two teams counts for the first alone: one person never fills two seats. No clause at all is met by nobody: throws.
 */
export function unmetClauses(validSigners: Iterable<TeamSigner>, quorum: readonly QuorumClause[]): UnmetClause[] {
  if (quorum.length === 0) throw new RangeError('a quorum needs at least one clause');
  const signers = distinctSigners(validSigners);
  return quorum
    .map((clause) => ({ ...clause, actual: signers.filter((signer) => signer.team === clause.team).length }))
    .filter((clause) => {
      assertThreshold(clause.count);
      return clause.actual < clause.count;
    });
}

/** A threshold of zero would be met by nobody's signature: always a mistake of the caller. */
function assertThreshold(threshold: number): void {
  if (!Number.isSafeInteger(threshold) || threshold < 1) {
    throw new RangeError(`expected a threshold of at least 1, got ${threshold}`);
  }
}
