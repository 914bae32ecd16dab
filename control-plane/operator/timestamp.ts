/**
 * The one thing that the control plane signs: that the published snapshot is still the newest. The key says freshness
 * and nothing else (P2).
 */
import { RejectedError } from '../../shared/errors.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import { parsePolicy } from '../../shared/trust/policy.ts';
import { expiryOf } from '../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';
import { createTimestamp } from '../../shared/trust/tuf-repository.ts';
import { putMetadataFiles } from '../store/metadata-files.ts';
import { replacePublishedVersions } from '../store/publications.ts';
import { publishedPolicy } from '../store/published-policy.ts';
import type { OperatorContext } from './operator-context.ts';
import { type PublishedSet, publishedSet } from './published-set.ts';

export interface OnlineKey {
  readonly key: SigningKey;
  /** How long a timestamp is valid, in milliseconds, where no policy says so. */
  readonly defaultLifetimeMs: number;
}

/** What a timestamp is made for: the snapshot that it vouches for, and the policy that says for how long. */
export interface TimestampSubject {
  readonly previous: Uint8Array | undefined;
  readonly snapshot: Uint8Array;
  /** The bytes of `policy.json`; undefined where none is published. */
  readonly policy: Uint8Array | undefined;
}

/** The timestamp that follows `previous`, valid from now on. */
export function nextTimestamp({ timestamping, clock }: OperatorContext, subject: TimestampSubject): Buffer {
  const expiresAt = new Date(clock.now() + lifetimeMs(timestamping, subject.policy));
  return createTimestamp(subject.previous, subject.snapshot, { expiresAt, key: timestamping.key });
}

/**
 * Signs a new timestamp when half of the present one's life is over, or when it would live longer than it may (the clock
 * was set back): hosts refuse that. Returns in how many milliseconds to look again.
 * Errors: `publication-outdated` when something was published meanwhile, with a newer timestamp of its own.
 */
export async function renewTimestampIfDue(context: OperatorContext): Promise<number> {
  const published = await publishedSet(context.store);
  if (published === undefined) return context.timestamping.defaultLifetimeMs / 2;
  const { trusted } = published;
  const policy = await publishedPolicy(context.store, fileOf(trusted, 'targets.json'));
  const halfLifeMs = lifetimeMs(context.timestamping, policy) / 2;
  const dueMs = expiryOf(fileOf(trusted, 'timestamp.json')).getTime() - halfLifeMs - context.clock.now();
  if (dueMs > 0 && dueMs <= halfLifeMs) return dueMs;
  await replaceTimestamp(context, published, policy);
  return halfLifeMs;
}

async function replaceTimestamp(
  context: OperatorContext,
  { versions, trusted }: PublishedSet,
  policy: Uint8Array | undefined,
): Promise<void> {
  const { store, clock } = context;
  const previous = fileOf(trusted, 'timestamp.json');
  const timestamp = nextTimestamp(context, { previous, snapshot: fileOf(trusted, 'snapshot.json'), policy });
  await store.transaction().execute(async (transaction) => {
    const after = { ...versions, timestamp: versions.timestamp + 1 };
    if (!(await replacePublishedVersions(transaction, versions, after))) throw overtaken();
    await putMetadataFiles(transaction, new Map([['timestamp.json', timestamp]]), clock.now());
  });
}

function fileOf(trusted: TrustedMetadata, name: string): Uint8Array {
  const bytes = trusted.get(name);
  if (bytes === undefined) throw new TypeError(`the published set has no "${name}"`);
  return bytes;
}

function lifetimeMs({ defaultLifetimeMs }: OnlineKey, policy: Uint8Array | undefined): number {
  return policy === undefined ? defaultLifetimeMs : parsePolicy(policy).timestampExpiresMs;
}

function overtaken(): RejectedError {
  return new RejectedError('publication-outdated', 'failed to renew the timestamp: something was published meanwhile');
}
