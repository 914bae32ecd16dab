/** Signatures on TUF metadata, made and counted by `@tufjs/models`, the library that clients verify with. */
import { Metadata, MetadataKind, Signature } from '@tufjs/models';

import { canonicalText } from '../canonical-json.ts';
import { messageOf, RejectedError } from '../errors.ts';
import type { SigningKey } from './keys.ts';
import { fileNameOf, type Signed } from './tuf-metadata.ts';
import { checkMetadata } from './tuf-rules.ts';

/** Signs the content of a role's file with every key. Throws `RejectedError` on content that agents would refuse. */
export function signMetadata(role: string, signed: Signed, signers: readonly SigningKey[]): Buffer {
  const metadata = modelOf({ signed, signatures: [] });
  for (const key of signers) addSignature(metadata, key);
  return encode(role, metadata);
}

/** Adds one keyholder's signature to metadata that others made; one that is there already is replaced. */
export function addMetadataSignature(role: string, bytes: Uint8Array, key: SigningKey): Buffer {
  const metadata = parse(role, bytes);
  addSignature(metadata, key);
  return encode(role, metadata);
}

/**
 * Checks that the role's threshold, as the delegator sets it, signed `bytes`. The delegator is the root for the four
 * roles (for a new root both its predecessor and itself) and the targets metadata for a release role. Errors:
 * `signature-threshold-not-met`.
 */
export function checkSignedBy(delegator: Uint8Array, role: string, bytes: Uint8Array): void {
  const delegatorRole = roleOfDelegator(role);
  try {
    parse(delegatorRole, delegator).verifyDelegate(role, parse(role, bytes));
  } catch (cause) {
    if (cause instanceof RejectedError) throw cause;
    throw new RejectedError(
      'signature-threshold-not-met',
      `failed to verify ${fileNameOf(role)} by ${fileNameOf(delegatorRole)}: ${messageOf(cause)}`,
      { cause },
    );
  }
}

type AnyMetadata = ReturnType<typeof modelOf>;
type JsonMembers = Parameters<typeof Metadata.fromJSON>[1];

function modelOf(json: { readonly signed: { readonly _type: string }; readonly signatures: unknown }) {
  const members = json as unknown as JsonMembers;
  switch (json.signed._type) {
    case 'root':
      return Metadata.fromJSON(MetadataKind.Root, members);
    case 'timestamp':
      return Metadata.fromJSON(MetadataKind.Timestamp, members);
    case 'snapshot':
      return Metadata.fromJSON(MetadataKind.Snapshot, members);
    default:
      return Metadata.fromJSON(MetadataKind.Targets, members);
  }
}

function parse(role: string, bytes: Uint8Array): AnyMetadata {
  return modelOf(checkMetadata(role, bytes));
}

function addSignature(metadata: AnyMetadata, key: SigningKey): void {
  metadata.sign((bytes) => new Signature({ keyID: key.keyId, sig: key.sign(bytes).toString('hex') }));
}

function encode(role: string, metadata: AnyMetadata): Buffer {
  const bytes = Buffer.from(canonicalText(metadata.toJSON()), 'utf8');
  checkMetadata(role, bytes);
  return bytes;
}

function roleOfDelegator(role: string): 'root' | 'targets' {
  return ['root', 'timestamp', 'snapshot', 'targets'].includes(role) ? 'root' : 'targets';
}
