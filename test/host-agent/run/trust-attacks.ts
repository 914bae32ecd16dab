import { sha256 } from '../../../shared/digest.ts';
import { TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { encodeReleaseStatement } from '../../../shared/release/release-statement.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { POLICY_PATH } from '../../../shared/trust/tuf-metadata.ts';
import { addRelease, removeReleases, rotateRoot } from '../../../shared/trust/tuf-repository.ts';
import { checkMetadata } from '../../../shared/trust/tuf-rules.ts';
import { signMetadata } from '../../../shared/trust/tuf-signing.ts';
import { type AttackRow, TARGET } from './release-attacks.ts';
import { NOW, policyBytes, type SignedWorld } from './signed-world.ts';
import { storedName } from './trust-root.ts';

export const TRUST: Record<string, AttackRow> = {
  'a release of an application that nobody was delegated': {
    arrange: (world) => {
      world.publish();
      const { bytes } = world.build({ plan: { app: 'other' } });
      world.trustRoot.serveTarget('other/1.0.json', bytes);
      return { target: 'other/1.0.json', statementDigest: sha256(bytes) };
    },
    code: 'target-unknown',
  },
  'a release whose releasers were dismissed': {
    arrange: (world) => {
      const { request } = world.publish();
      world.trustRoot.changeTargets({ removedApps: ['app'] });
      return request;
    },
    code: 'target-unknown',
  },
  'a release that was taken off the list': {
    arrange: (world) => {
      const { request } = world.publish();
      withdraw(world);
      return request;
    },
    code: 'target-unknown',
  },
  'a release that a stranger signed': signedByRow(() => [generateKey()]),
  'a release that the key of the snapshot signed': signedByRow(({ trustRoot }) => [trustRoot.keys.snapshot]),
  'a release that one of two needed releasers signed': {
    ...signedByRow(({ trustRoot }) => [trustRoot.keys.release[0]]),
    world: { threshold: 2 },
  },
  'a release that one of two needed releasers signed twice': {
    world: { threshold: 2 },
    arrange: (world) => {
      const request = signedByRow(({ trustRoot }) => [trustRoot.keys.release[0]]).arrange(world);
      tamper(world, (document) => document.signatures.push(...document.signatures));
      return request;
    },
    code: 'signature-repeated',
  },
  'a statement that was changed behind its signatures': {
    arrange: (world) => {
      const { request, statement } = world.publish();
      const evil = encodeReleaseStatement({ ...statement, treeDigest: sha256('evil') });
      world.trustRoot.targetFiles.set(storedName(TARGET, encodeReleaseStatement(statement)), evil);
      return request;
    },
    code: 'target-differs',
  },
  'a list of releases that was changed behind its signatures': {
    arrange: (world) => {
      const { request } = world.publish();
      tamper(world, ({ signed }) => {
        signed.version = 9;
      });
      return request;
    },
    code: 'metadata-not-trusted',
  },
  'a timestamp that has expired': {
    arrange: (world) => {
      const { request } = world.publish();
      world.trustRoot.stamp(new Date(NOW.getTime() - 1000));
      return request;
    },
    code: 'metadata-expired',
  },
  'a timestamp that lives longer than the policy lets one live': {
    arrange: (world) => {
      const { request } = world.publish();
      world.trustRoot.stamp(new Date(NOW.getTime() + 3_600_000 + LIMITS.clockDifferenceMs + 1000));
      return request;
    },
    code: 'timestamp-outlives-policy',
  },
  'a timestamp for years': {
    arrange: (world) => {
      const { request } = world.publish();
      world.trustRoot.stamp(new Date('2099-01-01T00:00:00.000Z'));
      return request;
    },
    code: 'timestamp-outlives-policy',
  },
  'a timestamp from before the policy was made stricter': {
    arrange: (world) => {
      const { trustRoot } = world;
      world.trustRoot.changePolicy(policyBytes({ timestampExpiresMs: 600_000 }));
      const { request } = world.publish();
      trustRoot.stamp(new Date(NOW.getTime() + 3_600_000));
      return request;
    },
    code: 'timestamp-outlives-policy',
  },
  'a timestamp that would be fresh by the clock of the day before': {
    arrange: (world) => {
      const { request } = world.publish();
      world.now = new Date(NOW.getTime() + 2 * 24 * 3_600_000);
      return request;
    },
    code: 'metadata-expired',
  },
  'a release that came behind the newest timestamp that is shown': {
    arrange: (world) => {
      const old = world.trustRoot.newest('timestamp');
      const { request } = world.publish();
      world.trustRoot.files.set('timestamp.json', old);
      return request;
    },
    code: 'target-unknown',
  },
  'a withdrawn release, by a snapshot of a lower version inside a newer timestamp': {
    arrange: (world) => {
      const { trustRoot } = world;
      const { request } = world.publish();
      const withRelease = trustRoot.newest('snapshot');
      withdraw(world);
      remember(world);
      trustRoot.serve('snapshot', withRelease);
      trustRoot.stamp(new Date(NOW.getTime() + 60_000));
      return request;
    },
    code: 'metadata-version-unexpected',
  },
  'a withdrawn release, by a replayed timestamp': {
    arrange: (world) => {
      const { trustRoot } = world;
      const { request } = world.publish();
      const withRelease = trustRoot.newest('timestamp');
      withdraw(world);
      remember(world);
      trustRoot.files.set('timestamp.json', withRelease);
      return request;
    },
    code: 'metadata-version-unexpected',
  },
  'an older policy in place of the one in force': {
    arrange: (world) => {
      const [older, inForce] = [policyBytes(), policyBytes({ sandbox: 'optional' })];
      world.trustRoot.changePolicy(inForce);
      const { request } = world.publish();
      world.trustRoot.targetFiles.set(storedName(POLICY_PATH, inForce), older);
      return request;
    },
    code: 'target-differs',
  },
  'a policy that is none': {
    arrange: (world) => {
      world.trustRoot.changePolicy(Buffer.from('{"version":1}'));
      return world.publish().request;
    },
    code: 'policy-invalid',
  },
  'a root that was rotated by strangers': {
    arrange: (world) => {
      const { request } = world.publish();
      const { trustRoot } = world;
      const stranger = generateKey();
      const holders = { root: { keys: [stranger], threshold: 1 } };
      const root = rotateRoot(trustRoot.newest('root'), holders, trustRoot.by(stranger));
      trustRoot.files.set('2.root.json', root);
      return request;
    },
    code: 'metadata-not-trusted',
  },
  'a source that cannot be reached': {
    arrange: (world) => {
      const { request } = world.publish();
      world.blobSource = {
        fetch: () => {
          throw new TransientError('failed to reach the control plane: the link is dialing');
        },
        chunksOf: world.blobSource.chunksOf,
      };
      return request;
    },
    code: 'transient',
  },
};

function signedByRow(signersOf: (world: SignedWorld) => ReturnType<typeof generateKey>[]): AttackRow {
  return {
    arrange: (world) => {
      const { trustRoot } = world;
      const { bytes } = world.build({});
      const listed = { path: TARGET, length: bytes.length, sha256: sha256(bytes) };
      trustRoot.serveTarget(TARGET, bytes);
      const signing = trustRoot.by(...signersOf(world));
      trustRoot.serve('release-app', addRelease(trustRoot.newest('release-app'), listed, signing));
      trustRoot.freshen(['release-app']);
      return { target: TARGET, statementDigest: sha256(bytes) };
    },
    code: 'metadata-not-trusted',
  };
}

interface SignedDocument {
  signed: { version: number };
  signatures: unknown[];
}

/** Changes the newest list of releases behind its signatures, with the help of whoever holds the snapshot key. */
function tamper({ trustRoot }: SignedWorld, change: (document: SignedDocument) => void): void {
  const document = JSON.parse(trustRoot.newest('release-app').toString()) as SignedDocument;
  change(document);
  const bytes = Buffer.from(JSON.stringify(document));
  const { signed } = checkMetadata('snapshot', trustRoot.newest('snapshot'));
  const { version } = document.signed;
  const listed = { version, length: bytes.length, hashes: { sha256: sha256(bytes) } };
  const snapshot = { ...signed, version: signed.version + 1, meta: { ...signed.meta, 'release-app.json': listed } };
  trustRoot.files.set(`${version}.release-app.json`, bytes);
  trustRoot.serve('snapshot', signMetadata('snapshot', snapshot, [trustRoot.keys.snapshot]));
  trustRoot.stamp(new Date(NOW.getTime() + 60_000));
}

/** Takes the release off the list, as its releasers would. */
function withdraw({ trustRoot }: SignedWorld): void {
  const list = { app: 'app', paths: [TARGET] };
  const signing = trustRoot.by(...trustRoot.keys.release);
  trustRoot.serve('release-app', removeReleases(trustRoot.newest('release-app'), list, signing));
  trustRoot.freshen(['release-app']);
}

/** The host has seen what is newest. */
function remember({ database, trustRoot }: SignedWorld): void {
  const save = database.prepare('insert or replace into trusted_metadata (name, bytes, adopted_at) values (?, ?, ?)');
  for (const role of ['snapshot', 'timestamp', 'release-app'] as const) {
    save.run(`${role}.json`, trustRoot.newest(role), '');
  }
}
