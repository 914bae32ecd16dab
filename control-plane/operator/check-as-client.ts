import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { memorySource } from '../../shared/trust/source.ts';
import { fileNameOf, releaseRoleOf } from '../../shared/trust/tuf-metadata.ts';
import { refreshTrust, type TrustedMetadata, type TrustedTarget } from '../../shared/trust/tuf-refresh.ts';
import type { Publication } from './publication.ts';
import type { PublishedSet } from './published-set.ts';

export interface Candidate {
  readonly before: PublishedSet | undefined;
  readonly publication: Publication;
  readonly timestamp: Uint8Array;
  /** The submitted targets by path. */
  readonly targets: ReadonlyMap<string, Uint8Array>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Refreshes as a client would that trusts what is published (or, before the first publication, the first root), and
 * looks into every role. That something has run out is held against what is submitted alone: of what has run out already
 * each role is renewed by those who hold its keys, one after the other, and until then no host takes it.
 * Errors: the client's own, and `target-not-listed`.
 */
export async function checkAsClient({ before, publication, timestamp, targets, now }: Candidate): Promise<void> {
  const files = new Map([...publication.files, ['timestamp.json', timestamp] as const]);
  const refreshed = await refreshTrust({
    trusted: before?.trusted ?? firstTrust(publication),
    source: memorySource(files),
    targets: [...targets.keys(), ...probes(publication)],
    rules: 'keyturn',
    now: new Date(now),
    expiry: 'told',
  });
  const { outcome, expired, targets: found } = refreshed;
  if (outcome.kind === 'failed') throw outcome.error;
  for (const role of expired) checkStoodBefore(role, before?.trusted, refreshed.trusted);
  for (const [path, content] of targets) checkListed(path, content, found.get(path));
}

function firstTrust({ files }: Publication): TrustedMetadata {
  const root = files.get('1.root.json');
  if (root === undefined)
    throw new RejectedError('publication-malformed', 'failed to publish: the first publication has no "1.root.json"');
  return new Map([['root.json', root]]);
}

/** A path in each delegated role: a client reads a role only when it looks for something that may be there. */
function probes({ targetsRoles }: Publication): string[] {
  const prefix = releaseRoleOf('');
  const delegated = [...targetsRoles.keys()].filter((role) => role.startsWith(prefix));
  return delegated.map((role) => `${role.slice(prefix.length)}/any.json`);
}

function checkStoodBefore(role: string, before: TrustedMetadata | undefined, after: TrustedMetadata): void {
  const [old, next] = [before?.get(fileNameOf(role)), after.get(fileNameOf(role))];
  if (old !== undefined && next !== undefined && Buffer.compare(old, next) === 0) return;
  throw new RejectedError('metadata-expired', `failed to publish: ${fileNameOf(role)} has expired already`, {
    hint: 'compare the clock of the machine that signed it with the one of the control plane, and sign it again',
  });
}

function checkListed(path: string, content: Uint8Array, listed: TrustedTarget | undefined): void {
  if (listed?.sha256 === sha256(content) && listed.length === content.length) return;
  throw new RejectedError(
    'target-not-listed',
    `failed to publish target "${path}": the metadata does not list these bytes`,
  );
}
