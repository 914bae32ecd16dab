/**
 * The transparency log, checked from outside (P9): every entry against the root that the log signed, and that root against the
 * last one that this machine has seen. The key is the policy's, so the control plane has no say in it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RejectedError } from '../../shared/errors.ts';
import { writeFileAtomic } from '../../shared/store/atomic-file.ts';
import { type Checkpoint, verifyCheckpoint } from '../../shared/transparency/checkpoint.ts';
import { encodeLogRecord, isLogKind, type LogKind } from '../../shared/transparency/log-record.ts';
import { leafHash, provesConsistency } from '../../shared/transparency/merkle.ts';
import { MerkleTree } from '../../shared/transparency/merkle-tree.ts';
import { logOf, POLICY_PATH, parsePolicy } from '../../shared/trust/policy.ts';
import type { NoteKey } from '../../shared/trust/verifier-key.ts';
import type { OperatorClient } from './client.ts';
import type { Home } from './home.ts';
import type { Publisher } from './publication.ts';
import { readPublishedTarget } from './published-target.ts';

export interface VerifiedLog {
  readonly origin: string;
  readonly size: number;
  /** In hexadecimal. */
  readonly root: string;
  /** How many entries it had when this machine last looked; undefined for a first look. */
  readonly grewFrom: number | undefined;
}

/** The newest state of the log that this home has verified: a signed note. */
const SEEN_FILE = 'log-checkpoint';

export interface LogVisit {
  /** The key that the policy names. */
  readonly log: NoteKey;
  /** Called for each entry, in order; what it was shown counts only when `walkLog` resolves. */
  readonly visit?: (kind: LogKind, document: Buffer) => void;
}

export interface WalkedLog {
  /** The signed note, byte for byte. */
  readonly checkpoint: Buffer;
  readonly state: Checkpoint;
  /** Of each record, in order. */
  readonly leafHashes: readonly Buffer[];
  readonly grewFrom: number | undefined;
}

/** Errors: those of `readPublishedTarget` and `walkLog`; `policy-names-no-log`. */
export async function verifyLog(publisher: Publisher): Promise<VerifiedLog> {
  const { state, grewFrom } = await walkLog(publisher, { log: await logKey(publisher) });
  return { origin: state.origin, size: state.size, root: state.root.toString('hex'), grewFrom };
}

/**
 * Errors: those of `verifyCheckpoint`; `RejectedError` with `log-inconsistent`, `log-shorter` or `log-differs`. What this
 * machine has seen stays as it was then.
 */
export async function walkLog(
  { home, client }: Pick<Publisher, 'home' | 'client'>,
  { log, visit = () => undefined }: LogVisit,
): Promise<WalkedLog> {
  const seen = loadSeen(home, log);
  const { bytes, state } = await checkGrowth(client, { log, seen });
  const leafHashes = await checkEntries(client, { state, visit });
  writeFileAtomic(join(home.folder, SEEN_FILE), bytes);
  return { checkpoint: bytes, state, leafHashes, grewFrom: seen?.size };
}

async function logKey(publisher: Pick<Publisher, 'home' | 'source'>): Promise<NoteKey> {
  const bytes = await readPublishedTarget(POLICY_PATH, publisher);
  const log = bytes === undefined ? undefined : logOf(parsePolicy(bytes));
  if (log) return log;
  throw new RejectedError('policy-names-no-log', 'failed to verify the log: the policy names none', {
    hint: 'put the verifier key of the log into policy.json and sign it with `keyturn policy sign`',
  });
}

/** Undefined at a first look, and when the policy names another log than before. */
function loadSeen({ folder }: Home, log: NoteKey): Checkpoint | undefined {
  const path = join(folder, SEEN_FILE);
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  return bytes.includes(`${log.name}\n`) ? verifyCheckpoint(bytes, log) : undefined;
}

async function checkGrowth(
  client: OperatorClient,
  { log, seen }: { log: NoteKey; seen: Checkpoint | undefined },
): Promise<{ bytes: Buffer; state: Checkpoint }> {
  const { checkpoint, consistency } = await client.fetchCheckpoint({ oldSize: seen?.size ?? 0 });
  const state = verifyCheckpoint(checkpoint, log);
  if (seen && state.size < seen.size) {
    throw new RejectedError('log-shorter', `failed to verify the log: it had ${seen.size} entries, now ${state.size}`);
  }
  const grown = { newSize: state.size, newRoot: state.root, proof: consistency };
  if (seen && !provesConsistency({ oldSize: seen.size, oldRoot: seen.root, ...grown })) {
    throw new RejectedError(
      'log-inconsistent',
      `failed to verify the log: its first ${seen.size} entries are not what they were`,
    );
  }
  return { bytes: checkpoint, state };
}

/** All of them: one that was left out, added or changed makes another root. */
async function checkEntries(
  client: OperatorClient,
  { state: { size, root }, visit }: { state: Checkpoint; visit: NonNullable<LogVisit['visit']> },
): Promise<Buffer[]> {
  const leafHashes: Buffer[] = [];
  for await (const { index, kind, document } of client.listLog({ first: 0, limit: size })) {
    if (index !== leafHashes.length || !isLogKind(kind)) {
      throw new RejectedError(
        'log-differs',
        `failed to verify the log: entry ${leafHashes.length} is "${kind}" at ${index}`,
      );
    }
    leafHashes.push(leafHash(encodeLogRecord(kind, document)));
    visit(kind, document);
  }
  if (leafHashes.length === size && MerkleTree.ofHashes(leafHashes).root().equals(root)) return leafHashes;
  throw new RejectedError(
    'log-differs',
    `failed to verify the log: its ${leafHashes.length} entries are not those that it signed`,
  );
}
