/** Metadata that is sound but for one thing, and the rule that must say so. Most of these pass tuf-js. */
import { LIMITS } from '../../../shared/limits.ts';
import { newTestKey, type TestKey } from '../../support/tuf-keys.ts';
import { type Document, type TestTargets, TufRepository } from '../../support/tuf-repository.ts';

export type Loose = Record<string, unknown>;
export type Row = {
  /** The file that is sound before the change: `targets` by default. */
  readonly role?: 'root' | 'timestamp' | 'snapshot' | 'targets' | 'release-app';
  readonly change: (
    document: Document & Loose,
    signed: TestTargets & Loose & { meta: Loose; roles: Loose; keys: Loose },
  ) => void;
  readonly code: string;
};

/** A repository as Keyturn would make it, with one application and one release. */
function soundRepository(): TufRepository {
  const repository = new TufRepository();
  repository.addArtifact('targets', 'policy.json', '{}');
  repository.addDelegation('targets', 'release-app', { terminating: true, paths: ['app/*'] });
  repository.addArtifact('release-app', 'app/1.0.0.json', '{}');
  repository.publish('release-app', 'targets', 'snapshot', 'timestamp');
  return repository;
}

export const REPOSITORY = soundRepository();
const DELEGATION = () => ({ ...(REPOSITORY.targets.delegations?.roles[0] as unknown as Loose) });
export const SOUND_TARGET = { length: 2, hashes: { sha256: '0'.repeat(64) } };

function keyObject(key: TestKey): Loose {
  return { [key.keyId]: key.json };
}

export const attacks: { readonly [sentence: string]: Row } = {
  'a field beside signed and signatures': {
    change: (document) => (document.extra = 1),
    code: 'metadata-field-unknown',
  },
  'no signed part': { change: (document) => Object.assign(document, { signed: null }), code: 'metadata-malformed' },
  'no list of signatures': {
    change: (document) => Object.assign(document, { signatures: {} }),
    code: 'metadata-malformed',
  },
  'a signature by no key id': {
    change: (document) => document.signatures.push({ keyid: 'me', sig: '0'.repeat(128) }),
    code: 'metadata-malformed',
  },
  'a signature of another length': {
    change: (document) => document.signatures.push({ keyid: '0'.repeat(64), sig: '00' }),
    code: 'metadata-malformed',
  },
  'a signature with a field of its own': {
    change: (document) => Object.assign(document.signatures[0] ?? {}, { method: 'ed25519' }),
    code: 'metadata-field-unknown',
  },
  'two signatures under one key id': {
    change: (document) => document.signatures.push(...document.signatures),
    code: 'signature-repeated',
  },
  'more signatures than anybody needs': {
    change: (document) => {
      const sig = '0'.repeat(128);
      document.signatures = Array.from({ length: LIMITS.signatureCount + 1 }, (_, index) => ({
        keyid: index.toString(16).padStart(64, '0'),
        sig,
      }));
    },
    code: 'too-many-signatures',
  },
  'the type of another role': {
    role: 'snapshot',
    change: (_, signed) => (signed._type = 'timestamp'),
    code: 'metadata-type-mismatch',
  },
  'no type': { change: (_, signed) => Object.assign(signed, { _type: undefined }), code: 'metadata-type-mismatch' },
  'version 2 of the specification': {
    change: (_, signed) => (signed.spec_version = '2.0.0'),
    code: 'spec-version-unsupported',
  },
  'a version of the specification that is no version': {
    change: (_, signed) => (signed.spec_version = '1.x'),
    code: 'spec-version-unsupported',
  },
  'version 0': { change: (_, signed) => (signed.version = 0), code: 'version-invalid' },
  'a negative version': { change: (_, signed) => (signed.version = -1), code: 'version-invalid' },
  'a version as text': { change: (_, signed) => Object.assign(signed, { version: '1' }), code: 'version-invalid' },
  'an expiry that never comes': { change: (_, signed) => (signed.expires = 'garbage'), code: 'expires-invalid' },
  'an expiry without a time': { change: (_, signed) => (signed.expires = '2030-01-01'), code: 'expires-invalid' },
  'an expiry that the calendar does not have': {
    change: (_, signed) => (signed.expires = '2030-02-30T00:00:00Z'),
    code: 'expires-invalid',
  },
  'an expiry in another time zone': {
    change: (_, signed) => (signed.expires = '2030-01-01T00:00:00+02:00'),
    code: 'expires-invalid',
  },
  'an unknown field in root': { role: 'root', change: (_, signed) => (signed.x = 1), code: 'metadata-field-unknown' },
  'an unknown field in timestamp': {
    role: 'timestamp',
    change: (_, signed) => (signed.x = 1),
    code: 'metadata-field-unknown',
  },
  'an unknown field in snapshot': {
    role: 'snapshot',
    change: (_, signed) => (signed.x = 1),
    code: 'metadata-field-unknown',
  },
  'an unknown field in targets': { change: (_, signed) => (signed.x = 1), code: 'metadata-field-unknown' },
  'no consistent snapshots': {
    role: 'root',
    change: (_, signed) => (signed.consistent_snapshot = false),
    code: 'consistent-snapshot-missing',
  },
  'a root without a timestamp role': {
    role: 'root',
    change: (_, signed) => delete signed.roles.timestamp,
    code: 'metadata-malformed',
  },
  'a root with a fifth role': {
    role: 'root',
    change: (_, signed) => (signed.roles.mirrors = signed.roles.root),
    code: 'metadata-field-unknown',
  },
  'the same public key under two ids': {
    role: 'root',
    change: (_, signed) => (signed.keys['0'.repeat(64)] = Object.values(signed.keys)[0]),
    code: 'public-key-repeated',
  },
  'the same public key in capitals under a second id': {
    role: 'root',
    change: (_, signed) => {
      const key = Object.values(signed.keys)[0] as { keyval: { public: string } };
      signed.keys['0'.repeat(64)] = { ...key, keyval: { public: key.keyval.public.toUpperCase() } };
    },
    code: 'public-key-repeated',
  },
  'a key under an id of its own choice': {
    role: 'root',
    change: (_, signed) => (signed.keys['0'.repeat(64)] = newTestKey().json),
    code: 'key-id-mismatch',
  },
  'a key with a field of its own, under the id that goes with it': {
    role: 'root',
    change: (_, signed) => Object.assign(signed.keys, keyObject(newTestKey('ed25519', { note: 1 }))),
    code: 'metadata-field-unknown',
  },
  'an ECDSA key': {
    role: 'root',
    change: (_, signed) => Object.assign(signed.keys, keyObject(newTestKey('ecdsa'))),
    code: 'key-is-not-ed25519',
  },
  'an RSA key': {
    role: 'root',
    change: (_, signed) => Object.assign(signed.keys, keyObject(newTestKey('rsa-pss'))),
    code: 'key-is-not-ed25519',
  },
  'a key of no length': {
    role: 'root',
    change: (_, signed) =>
      (signed.keys['0'.repeat(64)] = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: '' } }),
    code: 'key-is-not-ed25519',
  },
  'a key under which everybody can sign': {
    role: 'root',
    change: (_, signed) => {
      signed.keys['0'.repeat(64)] = {
        keytype: 'ed25519',
        scheme: 'ed25519',
        keyval: { public: `01${'00'.repeat(31)}` },
      };
    },
    code: 'key-is-weak',
  },
  'a threshold of zero': {
    role: 'root',
    change: (_, signed) => Object.assign(signed.roles.targets as Loose, { threshold: 0 }),
    code: 'threshold-out-of-range',
  },
  'a threshold above the number of keys': {
    role: 'root',
    change: (_, signed) => Object.assign(signed.roles.targets as Loose, { threshold: 2 }),
    code: 'threshold-out-of-range',
  },
  'a role that names a key twice': {
    role: 'root',
    change: (_, signed) => {
      const role = signed.roles.targets as { keyids: string[] };
      role.keyids.push(...role.keyids);
    },
    code: 'role-key-repeated',
  },
  'a role that names a key that is not there': {
    role: 'root',
    change: (_, signed) => Object.assign(signed.roles.targets as Loose, { keyids: ['0'.repeat(64)] }),
    code: 'role-key-unknown',
  },
  'a timestamp that lists a second file': {
    role: 'timestamp',
    change: (_, signed) => (signed.meta['root.json'] = signed.meta['snapshot.json']),
    code: 'metadata-field-unknown',
  },
  'a timestamp that lists no snapshot': {
    role: 'timestamp',
    change: (_, signed) => (signed.meta = {}),
    code: 'metadata-malformed',
  },
  'a listed file without a digest': {
    role: 'snapshot',
    change: (_, signed) => (signed.meta['targets.json'] = { version: 1, length: 2, hashes: {} }),
    code: 'sha256-missing',
  },
  'a listed file without a length': {
    role: 'snapshot',
    change: (_, signed) => (signed.meta['targets.json'] = { version: 1, hashes: SOUND_TARGET.hashes }),
    code: 'length-invalid',
  },
  'a listed file of version 0': {
    role: 'snapshot',
    change: (_, signed) => (signed.meta['targets.json'] = { version: 0, ...SOUND_TARGET }),
    code: 'version-invalid',
  },
  'a snapshot that lists no targets': {
    role: 'snapshot',
    change: (_, signed) => delete signed.meta['targets.json'],
    code: 'metadata-malformed',
  },
  'a snapshot that lists a role in another folder': {
    role: 'snapshot',
    change: (_, signed) => (signed.meta['../x.json'] = { version: 1, ...SOUND_TARGET }),
    code: 'role-name-invalid',
  },
  'a snapshot that lists the root': {
    role: 'snapshot',
    change: (_, signed) => (signed.meta['root.json'] = { version: 1, ...SOUND_TARGET }),
    code: 'role-name-reserved',
  },
  'a snapshot that lists what is no role file': {
    role: 'snapshot',
    change: (_, signed) => (signed.meta['release-app'] = { version: 1, ...SOUND_TARGET }),
    code: 'role-name-invalid',
  },
  'a target without a digest': {
    change: (_, signed) => Object.assign(signed.targets, { 'a/b': { length: 2, hashes: {} } }),
    code: 'sha256-missing',
  },
  'a target with MD5 alone': {
    change: (_, signed) => Object.assign(signed.targets, { 'a/b': { length: 2, hashes: { md5: '0'.repeat(32) } } }),
    code: 'sha256-missing',
  },
  'a target with a weaker digest beside the good one': {
    change: (_, signed) =>
      Object.assign(signed.targets, { 'a/b': { length: 2, hashes: { ...SOUND_TARGET.hashes, sha1: '0' } } }),
    code: 'hash-algorithm-unexpected',
  },
  'a target of negative length': {
    change: (_, signed) => Object.assign(signed.targets, { 'a/b': { ...SOUND_TARGET, length: -1 } }),
    code: 'length-invalid',
  },
  'a target with an unknown field': {
    change: (_, signed) => Object.assign(signed.targets, { 'a/b': { ...SOUND_TARGET, url: 'x' } }),
    code: 'metadata-field-unknown',
  },
  'more targets than can be parsed quickly': {
    change: (_, signed) => {
      for (let index = 0; index <= LIMITS.targetsPerRoleCount; index++) signed.targets[`a/${index}`] = SOUND_TARGET;
    },
    code: 'too-many-targets',
  },
  'a delegation with an unknown field': {
    change: (_, signed) => Object.assign(signed.delegations?.roles[0] ?? {}, { path_hash_prefixes: ['00'] }),
    code: 'metadata-field-unknown',
  },
  'hash bins instead of named roles': {
    change: (_, signed) => Object.assign(signed.delegations ?? {}, { succinct_roles: {} }),
    code: 'metadata-field-unknown',
  },
  'a delegation that does not end the search': {
    change: (_, signed) => Object.assign(signed.delegations?.roles[0] ?? {}, { terminating: false }),
    code: 'delegation-not-terminating',
  },
  'a delegation to everything': {
    change: (_, signed) => Object.assign(signed.delegations?.roles[0] ?? {}, { paths: ['*'] }),
    code: 'path-pattern-invalid',
  },
  'a delegation by a pattern with two meanings': {
    change: (_, signed) => Object.assign(signed.delegations?.roles[0] ?? {}, { paths: ['{app,other}/*'] }),
    code: 'path-pattern-invalid',
  },
  'a delegation that negates': {
    change: (_, signed) => Object.assign(signed.delegations?.roles[0] ?? {}, { paths: ['!app/*'] }),
    code: 'path-pattern-invalid',
  },
  'a delegation without paths': {
    change: (_, signed) => Object.assign(signed.delegations?.roles[0] ?? {}, { paths: [] }),
    code: 'metadata-malformed',
  },
  'two delegations to one role': {
    change: (_, signed) => signed.delegations?.roles.push(DELEGATION() as never),
    code: 'delegation-repeated',
  },
  'a delegation to the root': {
    change: (_, signed) => signed.delegations?.roles.push({ ...DELEGATION(), name: 'root' } as never),
    code: 'role-name-reserved',
  },
  'a delegation to a role that looks like a number': {
    change: (_, signed) => signed.delegations?.roles.push({ ...DELEGATION(), name: '1' } as never),
    code: 'role-name-invalid',
  },
  'a release role that delegates further': {
    role: 'release-app',
    change: (_, signed) => (signed.delegations = { keys: {}, roles: [] }),
    code: 'delegation-nested',
  },
};
