/**
 * Chains of metadata that an enemy makes: one document is changed, everything above it is made to list the change, and
 * all of it is signed with whatever keys he has. The timestamp key is his, so his timestamps are genuine.
 */
import { canonicalText, type Json } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { generateKey, type SigningKey } from '../../shared/trust/keys.ts';
import { RELEASE_ROLE, type RepositoryKeys, type SignedRepository } from './signed-repository.ts';

type JsonObject = { [member: string]: Json };
export type ForgedRole = 'root' | 'timestamp' | 'snapshot' | 'targets' | typeof RELEASE_ROLE;

/** How a document is signed that the enemy has no key for. */
export const FORGERIES = [
  'the old signatures',
  'no signature',
  'keys of a stranger',
  'keys of a stranger under trusted ids',
  'the timestamp key',
  'the timestamp key under trusted ids',
  'one key of two',
  'one key of two under both ids',
] as const;
/** The last one is no forgery: what it signs has to be accepted, or the forgeries would prove nothing. */
export type Forgery = (typeof FORGERIES)[number] | 'the right keys';

interface Signature {
  readonly keyid: string;
  readonly sig: string;
}
interface Document {
  readonly signatures: readonly Signature[];
  readonly signed: JsonObject;
}

const strangers: readonly SigningKey[] = [generateKey(), generateKey()];

const NEWEST: Readonly<Record<ForgedRole, string>> = {
  root: '2.root.json',
  timestamp: 'timestamp.json',
  snapshot: '3.snapshot.json',
  targets: '2.targets.json',
  [RELEASE_ROLE]: `3.${RELEASE_ROLE}.json`,
};

export function signedPartOf(repository: SignedRepository, role: ForgedRole): JsonObject {
  return documentOf(repository, role).signed;
}

/** The files of a chain in which `role` says `signed`; each under the name that a host asks for it by. */
export function forgeChain(
  repository: SignedRepository,
  { role, signed, forgery }: { role: ForgedRole; signed: Json; forgery: Forgery },
): Map<string, Buffer> {
  const bytes = forge(repository, { role, signed, forgery });
  const file = [fileName(role, signed), bytes] as const;
  if (role === 'root' || role === 'timestamp') return new Map([file]);
  if (role === 'snapshot') return new Map([file, ['timestamp.json', timestampOf(repository, bytes)]]);
  const snapshot = structuredClone(signedPartOf(repository, 'snapshot'));
  const listed = (snapshot.meta as JsonObject)[`${role}.json`] as JsonObject;
  relist(listed, bytes, signed);
  // As if he had the snapshot key besides: then the role's own signatures are all that is in his way.
  return new Map([file, ...forgeChain(repository, { role: 'snapshot', signed: snapshot, forgery: 'the right keys' })]);
}

/** A chain in which `role` lists other bytes for a target. */
export function forgeTarget(
  repository: SignedRepository,
  { role, path, bytes, forgery }: { role: ForgedRole; path: string; bytes: Buffer; forgery: Forgery },
): Map<string, Buffer> {
  const signed = structuredClone(signedPartOf(repository, role));
  (signed.targets as JsonObject)[path] = { length: bytes.length, hashes: { sha256: sha256(bytes) } };
  return forgeChain(repository, { role, signed, forgery });
}

function timestampOf(repository: SignedRepository, snapshot: Buffer): Buffer {
  const signed = structuredClone(signedPartOf(repository, 'timestamp'));
  const listed = (signed.meta as JsonObject)['snapshot.json'] as JsonObject;
  relist(listed, snapshot, (JSON.parse(snapshot.toString()) as Document).signed);
  return forge(repository, { role: 'timestamp', signed, forgery: 'the timestamp key' });
}

function relist(listed: JsonObject, bytes: Buffer, signed: Json): void {
  listed.length = bytes.length;
  listed.hashes = { sha256: sha256(bytes) };
  const version = versionIn(signed);
  if (version !== undefined) listed.version = version;
}

function forge(
  repository: SignedRepository,
  { role, signed, forgery }: { role: ForgedRole; signed: Json; forgery: Forgery },
): Buffer {
  const message = Buffer.from(canonicalText(signed));
  const signatures = signaturesBy(repository, { role, message, forgery });
  return Buffer.from(canonicalText({ signatures: signatures as unknown as Json, signed }));
}

function signaturesBy(
  repository: SignedRepository,
  { role, message, forgery }: { role: ForgedRole; message: Buffer; forgery: Forgery },
): readonly Signature[] {
  const trusted = trustedKeys(repository.keys, role);
  const ids = trusted.map(({ keyId }) => keyId);
  const by = (keys: readonly SigningKey[], keyIds: readonly string[] = keys.map(({ keyId }) => keyId)) =>
    keyIds.map((keyid, index) => {
      const key = keys[index % keys.length] as SigningKey;
      return { keyid, sig: key.sign(message).toString('hex') } satisfies Signature;
    });
  const { timestamp } = repository.keys;
  switch (forgery) {
    case 'the old signatures':
      return documentOf(repository, role).signatures;
    case 'no signature':
      return [];
    case 'keys of a stranger':
      return by(strangers);
    case 'keys of a stranger under trusted ids':
      return by(strangers, ids);
    case 'the timestamp key':
      return by([timestamp]);
    case 'the timestamp key under trusted ids':
      return by([timestamp], ids);
    case 'one key of two':
      return trusted.length > 1 ? by(trusted.slice(0, 1)) : [];
    case 'one key of two under both ids':
      return trusted.length > 1 ? by(trusted.slice(0, 1), ids) : by(strangers, ids);
    case 'the right keys':
      return by(trusted);
  }
}

function trustedKeys(keys: RepositoryKeys, role: ForgedRole): readonly SigningKey[] {
  if (role === 'timestamp') return [keys.timestamp];
  return role === RELEASE_ROLE ? keys.release : keys[role as 'root' | 'targets' | 'snapshot'];
}

function documentOf({ files }: SignedRepository, role: ForgedRole): Document {
  return JSON.parse((files.get(NEWEST[role]) as Buffer).toString()) as Document;
}

/** A version that is none leaves the name of the newest. */
function fileName(role: ForgedRole, signed: Json): string {
  if (role === 'timestamp' || role === 'root') return NEWEST[role];
  return `${versionIn(signed) ?? NEWEST[role].split('.')[0]}.${role}.json`;
}

function versionIn(signed: Json): number | undefined {
  const version = (signed as JsonObject | null)?.version;
  return typeof version === 'number' && Number.isSafeInteger(version) && version > 0 ? version : undefined;
}
