/** The trust metadata that goes along with an export, and the policies that were in force since a run. */
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import type { CarriedTrust } from '../../shared/evidence/carried-trust.ts';
import type { EvidenceBundle } from '../../shared/evidence/evidence-bundle.ts';
import { LIMITS } from '../../shared/limits.ts';
import { logOf, POLICY_PATH, parsePolicy } from '../../shared/trust/policy.ts';
import { collectBounded, MetadataNotFound, type TrustSource } from '../../shared/trust/source.ts';
import { fileNameOf, listedDigests, releaseRoleOf, versionOf } from '../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';
import { checkMetadata } from '../../shared/trust/tuf-rules.ts';
import type { NoteKey } from '../../shared/trust/verifier-key.ts';
import { type Publisher, refreshHome, trustedRole } from './publication.ts';

export interface ExportTrust {
  readonly trust: Omit<CarriedTrust, 'releases'>;
  /** The newest. */
  readonly policy: Buffer;
  /** The log that the newest policy names. */
  readonly log: NoteKey;
}

/** Errors: those of `refreshHome`, of the source and of `parsePolicy`; `policy-names-no-log`. */
export async function exportTrust(publisher: Pick<Publisher, 'home' | 'source'>): Promise<ExportTrust> {
  return gather(publisher, await trustedFor([], publisher));
}

/** The same with the role that lists the releases of `app`. `path` is that of the release. */
export async function exportReleaseTrust(
  publisher: Pick<Publisher, 'home' | 'source'>,
  { app, path }: { app: string; path: string },
): Promise<ExportTrust & { readonly trust: EvidenceBundle['trust'] }> {
  const trusted = await trustedFor([path], publisher);
  const exported = await gather(publisher, trusted);
  return { ...exported, trust: { ...exported.trust, releases: Buffer.from(trustedRole(trusted, releaseRoleOf(app))) } };
}

/**
 * The policies from the one with `digest` on, each with the first targets metadata that listed it, without the newest; empty
 * where that is it. `from` is the version of the targets metadata to begin at.
 */
export async function policiesSince(
  { digest, from }: { digest: Sha256; from: number },
  { newest, policy, source }: { newest: Uint8Array; policy: Uint8Array; source: TrustSource },
): Promise<EvidenceBundle['earlierPolicies']> {
  const seen = new Set([sha256(policy)]);
  if (seen.has(digest)) return [];
  const earlier: { targets: Buffer; policy: Buffer }[] = [];
  for (let version = from; version < versionOf(newest); version += 1) {
    const targets = await readMetadata('targets', version, source);
    const listed = listedDigests(targets).get(POLICY_PATH);
    // What stood before the run's own is none of its business.
    if (listed === undefined || seen.has(listed) || (earlier.length === 0 && listed !== digest)) continue;
    seen.add(listed);
    earlier.push({ targets, policy: await policyOf(targets, source) });
  }
  return earlier;
}

/** One refresh: files of two might not belong together. */
async function trustedFor(
  targets: readonly string[],
  { home, source }: Pick<Publisher, 'home' | 'source'>,
): Promise<TrustedMetadata> {
  return (await refreshHome({ home, source }, { targets: [POLICY_PATH, ...targets] })).trusted;
}

async function gather({ source }: Pick<Publisher, 'source'>, trusted: TrustedMetadata): Promise<ExportTrust> {
  const [timestamp, snapshot, targets] = ['timestamp', 'snapshot', 'targets'].map((role) =>
    Buffer.from(trustedRole(trusted, role)),
  ) as [Buffer, Buffer, Buffer];
  const roots = await rootsUpTo(versionOf(trustedRole(trusted, 'root')), source);
  const policy = await policyOf(targets, source);
  const log = logOf(parsePolicy(policy));
  if (log) return { trust: { roots, timestamp, snapshot, targets }, policy, log };
  throw new RejectedError('policy-names-no-log', 'failed to export: the policy names no log', {
    hint: 'put the verifier key of the log into policy.json and sign it with `keyturn policy sign`',
  });
}

async function rootsUpTo(newest: number, source: TrustSource): Promise<Buffer[]> {
  const roots: Buffer[] = [];
  for (let version = 1; version <= newest; version += 1) roots.push(await readMetadata('root', version, source));
  return roots;
}

async function policyOf(targets: Uint8Array, source: TrustSource): Promise<Buffer> {
  const digest = listedDigests(targets).get(POLICY_PATH);
  return collectBounded(source.fetchTarget(`${digest}.${POLICY_PATH}`), {
    maxBytes: LIMITS.policyBytes,
    what: POLICY_PATH,
  });
}

/** Errors: `metadata-incomplete` when the control plane does not have it any more. */
async function readMetadata(role: 'root' | 'targets', version: number, source: TrustSource): Promise<Buffer> {
  const name = `${version}.${fileNameOf(role)}`;
  try {
    const bytes = await collectBounded(source.fetchMetadata(name), { maxBytes: LIMITS.trustMetadataBytes, what: name });
    checkMetadata(role, bytes);
    return bytes;
  } catch (cause) {
    if (!(cause instanceof MetadataNotFound)) throw cause;
    throw new RejectedError('metadata-incomplete', `failed to export: the control plane has no ${name}`, { cause });
  }
}
