/**
 * Keyturn's own rules for TUF metadata, in front of tuf-js: at publish and on the agent, before tuf-js sees a byte.
 *
 * They decide about form alone. Signatures, versions against what is trusted, and expiry are tuf-js's to judge. Each
 * rule exists because tuf-js (or the specification) lets something pass that a fleet must not depend on: the same
 * public key under two ids meets a threshold of two, a target without hashes verifies by its length, a date that is no
 * date never expires, names reach into URLs and patterns.
 */
import { RejectedError, type RejectionCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { decodeJsonObject, isJsonArray, isJsonObject, type JsonObject } from './strict-json.ts';
import { checkKeyRule, checkKeys } from './tuf-key-rules.ts';
import {
  fileNameOf,
  type RootSigned,
  type SnapshotSigned,
  type TargetsSigned,
  type TimestampSigned,
  TOP_LEVEL_ROLES,
  type TopLevelRole,
  type TufMetadata,
} from './tuf-metadata.ts';
import { checkDelegatedRole, checkPathPattern, checkTargetPath } from './tuf-names.ts';

const COMMON_MEMBERS = ['_type', 'expires', 'spec_version', 'version'];
const SPEC_VERSION = /^1\.\d{1,4}(\.\d{1,4})?$/;
const EXPIRES = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const SIGNATURE = /^[0-9a-f]{128}$/;
const SHA256 = /^[0-9a-f]{64}$/;

export type MetadataOf<Role extends string> = Role extends 'root'
  ? TufMetadata<RootSigned>
  : Role extends 'timestamp'
    ? TufMetadata<TimestampSigned>
    : Role extends 'snapshot'
      ? TufMetadata<SnapshotSigned>
      : TufMetadata<TargetsSigned>;

/**
 * Checks the form of one metadata file, and gives it back with its type. `role` is the role that it is to hold: one of
 * the four, or the name of a delegated role. Errors: `RejectedError`, a code for each rule.
 */
export function checkMetadata<Role extends string>(role: Role, bytes: Uint8Array): MetadataOf<Role> {
  checkSize(role, bytes);
  const metadata = decodeJsonObject(bytes, { what: fileNameOf(role), code: 'metadata-malformed' });
  checkMembers(metadata, ['signatures', 'signed']);
  checkSignatures(metadata.signatures);
  const signed = objectAt(metadata.signed, 'signed');
  checkType(role, signed);
  checkSpecVersion(signed);
  checkVersion(signed.version, 'version');
  checkExpires(signed);
  CONTENT_RULES[typeOf(role)](signed, role);
  return metadata as unknown as MetadataOf<Role>;
}

/**
 * Checks every file of a set by name (`root.json`, `release-app.json`): the baseline of an enrolment bundle, or a whole
 * publication. Errors: as `checkMetadata`; `trusted-root-missing`.
 */
export function checkMetadataSet(files: ReadonlyMap<string, Uint8Array>): void {
  if (!files.has(fileNameOf('root'))) throw rejection('trusted-root-missing', 'the set has no root.json');
  for (const [name, bytes] of files) {
    const role = name.endsWith('.json') ? name.slice(0, -'.json'.length) : '';
    if (!(TOP_LEVEL_ROLES as readonly string[]).includes(role)) checkDelegatedRole(role);
    checkMetadata(role, bytes);
  }
}

type ContentRule = (signed: JsonObject, role: string) => void;

const CONTENT_RULES: { readonly [type in TopLevelRole]: ContentRule } = {
  root: checkRoot,
  timestamp: checkTimestamp,
  snapshot: checkSnapshot,
  targets: checkTargets,
};

function checkRoot(signed: JsonObject): void {
  checkMembers(signed, [...COMMON_MEMBERS, 'consistent_snapshot', 'keys', 'roles']);
  if (signed.consistent_snapshot !== true) {
    throw rejection('consistent-snapshot-missing', 'consistent_snapshot is not true');
  }
  const keys = checkKeys(objectAt(signed.keys, 'keys'));
  const roles = objectAt(signed.roles, 'roles');
  checkMembers(roles, TOP_LEVEL_ROLES);
  for (const role of TOP_LEVEL_ROLES) {
    const rule = objectAt(roles[role], `roles.${role}`);
    checkMembers(rule, ['keyids', 'threshold']);
    checkKeyRule(rule, keys, role);
  }
}

function checkTimestamp(signed: JsonObject): void {
  checkMembers(signed, [...COMMON_MEMBERS, 'meta']);
  const meta = objectAt(signed.meta, 'meta');
  checkMembers(meta, ['snapshot.json']);
  checkListedFile(meta['snapshot.json'], 'snapshot.json');
}

function checkSnapshot(signed: JsonObject): void {
  checkMembers(signed, [...COMMON_MEMBERS, 'meta']);
  const meta = objectAt(signed.meta, 'meta');
  if (meta['targets.json'] === undefined) throw malformed('meta lists no targets.json');
  for (const [fileName, file] of Object.entries(meta)) {
    if (!fileName.endsWith('.json')) throw rejection('role-name-invalid', `meta lists "${fileName}", which is no role`);
    if (fileName !== 'targets.json') checkDelegatedRole(fileName.slice(0, -'.json'.length));
    checkListedFile(file, fileName);
  }
}

function checkTargets(signed: JsonObject, role: string): void {
  checkMembers(signed, [...COMMON_MEMBERS, 'targets', 'delegations']);
  checkTargetList(objectAt(signed.targets, 'targets'));
  if (signed.delegations === undefined) return;
  // One level is all that Keyturn needs; without a second there is no path on which a role is judged by another's keys.
  if (role !== 'targets') throw rejection('delegation-nested', `role "${role}" delegates further`);
  checkDelegations(objectAt(signed.delegations, 'delegations'));
}

function checkTargetList(targets: JsonObject): void {
  const paths = Object.keys(targets);
  if (paths.length > LIMITS.targetsPerRoleCount) {
    throw rejection('too-many-targets', `expected at most ${LIMITS.targetsPerRoleCount} targets, got ${paths.length}`);
  }
  for (const path of paths) {
    checkTargetPath(path);
    const target = objectAt(targets[path], `target "${path}"`);
    checkMembers(target, ['length', 'hashes', 'custom']);
    checkLength(target.length, path);
    checkHashes(target.hashes, path);
    if (target.custom !== undefined) objectAt(target.custom, `custom of target "${path}"`);
  }
}

function checkDelegations(delegations: JsonObject): void {
  checkMembers(delegations, ['keys', 'roles']);
  const keys = checkKeys(objectAt(delegations.keys, 'delegations.keys'));
  if (!isJsonArray(delegations.roles)) throw malformed('delegations.roles is no list');
  const names = new Set<string>();
  for (const member of delegations.roles) {
    const name = checkDelegation(objectAt(member, 'a delegated role'), keys);
    if (names.has(name)) throw rejection('delegation-repeated', `role "${name}" is delegated to twice`);
    names.add(name);
  }
}

function checkDelegation(delegation: JsonObject, keys: ReadonlySet<string>): string {
  const { name, paths, terminating } = delegation;
  if (typeof name !== 'string') throw malformed('a delegated role has no name');
  checkDelegatedRole(name);
  checkMembers(delegation, ['name', 'keyids', 'threshold', 'terminating', 'paths']);
  checkKeyRule(delegation, keys, name);
  if (terminating !== true)
    throw rejection('delegation-not-terminating', `the delegation to "${name}" does not end there`);
  if (!isJsonArray(paths) || paths.length === 0) throw malformed(`the delegation to "${name}" has no paths`);
  for (const pattern of paths) checkPathPattern(String(pattern));
  return name;
}

function checkSize(role: string, bytes: Uint8Array): void {
  if (bytes.length <= LIMITS.trustMetadataBytes) return;
  throw rejection(
    'metadata-too-large',
    `${fileNameOf(role)} has ${bytes.length} bytes, expected at most ${LIMITS.trustMetadataBytes}`,
  );
}

function checkSignatures(signatures: unknown): void {
  if (!isJsonArray(signatures)) throw malformed('signatures is no list');
  if (signatures.length > LIMITS.signatureCount) {
    throw rejection(
      'too-many-signatures',
      `expected at most ${LIMITS.signatureCount} signatures, got ${signatures.length}`,
    );
  }
  const signers = new Set<string>();
  for (const member of signatures) {
    const signature = objectAt(member, 'a signature');
    checkMembers(signature, ['keyid', 'sig']);
    const { keyid, sig } = signature;
    if (typeof keyid !== 'string' || !SHA256.test(keyid)) throw malformed('the keyid of a signature is no digest');
    if (typeof sig !== 'string' || !SIGNATURE.test(sig)) throw malformed('a signature is not 128 hexadecimal digits');
    if (signers.has(keyid)) throw rejection('signature-repeated', `key "${keyid}" signed twice`);
    signers.add(keyid);
  }
}

function checkType(role: string, signed: JsonObject): void {
  if (signed._type === typeOf(role)) return;
  throw rejection('metadata-type-mismatch', `expected type "${typeOf(role)}", got ${JSON.stringify(signed._type)}`);
}

function checkSpecVersion({ spec_version: version }: JsonObject): void {
  if (typeof version === 'string' && SPEC_VERSION.test(version)) return;
  throw rejection('spec-version-unsupported', `expected spec_version 1.x, got ${JSON.stringify(version)}`);
}

function checkVersion(version: unknown, what: string): void {
  if (typeof version === 'number' && Number.isSafeInteger(version) && version >= 1) return;
  throw rejection('version-invalid', `${what}: expected a positive whole number, got ${JSON.stringify(version)}`);
}

/** A date in the one spelling, that the calendar has: the 30th of February would be read as the 1st or 2nd of March. */
function checkExpires({ expires }: JsonObject): void {
  if (typeof expires === 'string' && EXPIRES.test(expires)) {
    const instant = new Date(expires);
    if (Number.isFinite(instant.getTime()) && instant.toISOString() === expires.replace('Z', '.000Z')) return;
  }
  throw rejection('expires-invalid', `expected a date such as 2030-01-31T23:59:59Z, got ${JSON.stringify(expires)}`);
}

function checkListedFile(value: unknown, fileName: string): void {
  const file = objectAt(value, fileName);
  checkMembers(file, ['version', 'length', 'hashes']);
  checkVersion(file.version, fileName);
  checkLength(file.length, fileName);
  checkHashes(file.hashes, fileName);
}

function checkLength(length: unknown, what: string): void {
  if (typeof length === 'number' && Number.isSafeInteger(length) && length >= 0) return;
  throw rejection('length-invalid', `"${what}": expected its length in bytes, got ${JSON.stringify(length)}`);
}

function checkHashes(value: unknown, what: string): void {
  const hashes = objectAt(value, `hashes of "${what}"`);
  if (typeof hashes.sha256 !== 'string' || !SHA256.test(hashes.sha256)) {
    throw rejection('sha256-missing', `"${what}" has no SHA-256 digest`);
  }
  const other = Object.keys(hashes).find((algorithm) => algorithm !== 'sha256');
  if (other !== undefined) throw rejection('hash-algorithm-unexpected', `"${what}" has a digest by "${other}"`);
}

function checkMembers(object: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(object).find((member) => !known.includes(member));
  if (unknown !== undefined) throw rejection('metadata-field-unknown', `unknown field "${unknown}"`);
}

function objectAt(value: unknown, what: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw malformed(`${what} is no object`);
}

function typeOf(role: string): TopLevelRole {
  return TOP_LEVEL_ROLES.find((name) => name === role) ?? 'targets';
}

function malformed(reason: string): RejectedError {
  return rejection('metadata-malformed', reason);
}

function rejection(code: RejectionCode, reason: string): RejectedError {
  return new RejectedError(code, `failed to check metadata: ${reason}`);
}
