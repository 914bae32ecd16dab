import { expect } from 'chai';

import type { OperatorClient } from '../../../control-plane/cli/client.ts';
import { operatorTrustSource } from '../../../control-plane/cli/client.ts';
import { sha256 } from '../../../shared/digest.ts';
import type { PublishRequest } from '../../../shared/rpc/generated/messages.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { expiryOf, versionOf } from '../../../shared/trust/tuf-metadata.ts';
import { refreshTrust } from '../../../shared/trust/tuf-refresh.ts';
import { createTimestamp } from '../../../shared/trust/tuf-repository.ts';
import { ControlPlaneWorld, HOUR_MS } from '../../support/control-plane-world.ts';
import { uploadBlobs } from '../../support/publish-release.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';
import { APP, files, TrustCeremony, testRelease } from '../../support/trust-ceremony.ts';

/** What a releaser submits after the first publication, and what is published afterwards. */
interface Row {
  submit(ceremony: TrustCeremony): PublishRequest;
  readonly code: string;
  /** The releases that clients find afterwards. */
  readonly releases: readonly string[];
  readonly isUploaded?: false;
}

const ONE = testRelease('1.0');

const SUBMISSIONS: Readonly<Record<string, Row>> = {
  'a signed release whose blobs are here is published': {
    submit: (ceremony) => ceremony.releasePublication(ONE),
    code: 'nothing was refused',
    releases: ['1.0'],
  },
  'the same publication again, from somebody whose answer was lost, is told that it is outdated': {
    submit: (ceremony) => {
      const { targets } = ceremony.firstPublication();
      return { metadata: ceremony.firstPublication().metadata, targets };
    },
    code: 'publication-outdated',
    releases: [],
  },
  'a release signed by somebody who is no releaser is refused': {
    submit: (ceremony) => ceremony.releasePublication(ONE, generateKey()),
    code: 'metadata-not-trusted',
    releases: [],
  },
  'a release whose blobs were not uploaded is refused': {
    submit: (ceremony) => ceremony.releasePublication(ONE),
    code: 'publication-incomplete',
    releases: [],
    isUploaded: false,
  },
  'a statement that the metadata does not list is refused': {
    submit: (ceremony) => {
      const publication = ceremony.releasePublication(ONE);
      return {
        ...publication,
        targets: [...publication.targets, ...files({ 'demo/2.0.json': testRelease('2.0').statement })],
      };
    },
    code: 'target-not-listed',
    releases: [],
  },
  'a release without its statement is refused': {
    submit: (ceremony) => ({ ...ceremony.releasePublication(ONE), targets: [] }),
    code: 'target-missing',
    releases: [],
  },
  'other bytes under the name of the statement are refused': {
    submit: (ceremony) => ({
      ...ceremony.releasePublication(ONE),
      targets: files({ 'demo/1.0.json': Buffer.from('{}') }),
    }),
    code: 'target-missing',
    releases: [],
  },
  'a release without the snapshot that lists it stays unseen, and is refused': {
    submit: (ceremony) => {
      const publication = ceremony.releasePublication(ONE);
      return { ...publication, metadata: publication.metadata.filter(({ name }) => !name.includes('snapshot')) };
    },
    code: 'metadata-not-trusted',
    releases: [],
  },
  'a snapshot without the release that it lists is refused': {
    submit: (ceremony) => {
      const publication = ceremony.releasePublication(ONE);
      return { ...publication, metadata: publication.metadata.filter(({ name }) => name.includes('snapshot')) };
    },
    code: 'publication-malformed',
    releases: [],
  },
  "a timestamp of one's own is refused": {
    submit: (ceremony) => {
      const expiresAt = new Date(Date.now() + 365 * 24 * HOUR_MS);
      const timestamp = createTimestamp(undefined, ceremony.snapshot, { expiresAt, key: generateKey() });
      return { metadata: files({ 'timestamp.json': timestamp }), targets: [] };
    },
    code: 'publication-names-timestamp',
    releases: [],
  },
  'a file under a version that it does not have is refused': {
    submit: (ceremony) => ({ metadata: files({ '7.snapshot.json': ceremony.snapshot }), targets: [] }),
    code: 'publication-malformed',
    releases: [],
  },
  'a name that leaves the repository is refused': {
    submit: (ceremony) => ({ metadata: files({ '../2.snapshot.json': ceremony.snapshot }), targets: [] }),
    code: 'publication-malformed',
    releases: [],
  },
  'a file that is there twice is refused': {
    submit: (ceremony) => {
      const { metadata, targets } = ceremony.releasePublication(ONE);
      return { metadata: [...metadata, ...metadata], targets };
    },
    code: 'publication-malformed',
    releases: [],
  },
  'garbage is refused': {
    submit: () => ({ metadata: files({ '2.snapshot.json': Buffer.from('garbage') }), targets: [] }),
    code: 'metadata-malformed',
    releases: [],
  },
  'a root that nobody in charge has signed is refused': {
    submit: () => {
      const thief = new TrustCeremony(generateKey(), { now: Date.now() });
      return {
        metadata: files({ '2.root.json': Buffer.from(thief.root.toString().replace('"version":1', '"version":2')) }),
        targets: [],
      };
    },
    code: 'metadata-not-trusted',
    releases: [],
  },
};

describe('control-plane/operator/publish', () => {
  let world: ControlPlaneWorld;
  let releaser: OperatorClient;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
    releaser = await world.operator('releaser');
  });
  afterEach(() => world.stop());

  it('has a row for each submission', () => {
    expect(Object.keys(SUBMISSIONS)).to.have.length(15);
  });

  for (const [story, { submit, code, releases, isUploaded }] of Object.entries(SUBMISSIONS)) {
    it(story, async () => {
      const ceremony = world.ceremony();
      await releaser.publish(ceremony.firstPublication());
      const firstRoot = ceremony.root;
      if (isUploaded !== false) await uploadBlobs(world, ONE);
      expect(await codeOf(releaser.publish(submit(ceremony)))).to.equal(code);
      expect((await releaser.listReleases({})).releases.map(({ version }) => version)).to.deep.equal(releases);
      const seen = await refreshAsClient(releaser, firstRoot, releases.length > 0 ? ['demo/1.0.json'] : 'top-level');
      expect(seen.outcome).to.include({ kind: 'fresh' });
      expect([...seen.targets.values()].map((target) => target?.sha256)).to.deep.equal(
        releases.map(() => sha256(ONE.statement)),
      );
    });
  }

  it('lets one of two releasers through who sign on the same state, and tells the other', async () => {
    const ceremony = world.ceremony();
    await releaser.publish(ceremony.firstPublication());
    const two = testRelease('2.0');
    await uploadBlobs(world, ONE);
    await uploadBlobs(world, two);
    const twin = ceremony.twin();
    const [first, second] = [ceremony.releasePublication(ONE), twin.releasePublication(two)];
    const codes = await Promise.all([codeOf(releaser.publish(first)), codeOf(releaser.publish(second))]);
    expect(codes.toSorted()).to.deep.equal(['nothing was refused', 'publication-outdated']);
    expect((await releaser.listReleases({})).releases).to.have.length(1);
  });

  it('signs a timestamp of its own, valid for as long as the policy says', async () => {
    const ceremony = world.ceremony({ timestampExpiresMs: 90_000 });
    const { timestampVersion } = await releaser.publish(ceremony.firstPublication());
    const { signed } = JSON.parse((await read(releaser, 'timestamp.json')).toString());
    expect(timestampVersion).to.equal(1);
    expect(Date.parse(signed.expires) - world.clock.now()).to.be.within(88_000, 90_000);
  });

  it('signs a new timestamp at half of its life, again and again, and clients stay fresh', async () => {
    const ceremony = world.ceremony({ timestampExpiresMs: 600_000 });
    await releaser.publish(ceremony.firstPublication());
    for (let version = 2; version <= 4; version += 1) {
      await world.clock.whenPending(2);
      world.clock.advance(301_000);
      while (versionOf(await read(releaser, 'timestamp.json')) < version);
    }
    expect(versionOf(await read(releaser, 'timestamp.json'))).to.equal(4);
    const { outcome } = await refreshAsClient(releaser, ceremony.root, 'top-level', new Date(world.clock.now()));
    expect(outcome.kind).to.equal('fresh');
  });

  it('renews an expired timestamp when it is started again', async () => {
    const ceremony = world.ceremony({ timestampExpiresMs: 60_000 });
    await releaser.publish(ceremony.firstPublication());
    await world.stopControlPlane();
    world.clock.advance(120_000);
    await world.startControlPlane();
    const again = await world.operator('viewer', 'late-viewer');
    const { outcome } = await refreshAsClient(again, ceremony.root, 'top-level', new Date(world.clock.now()));
    expect(outcome.kind).to.equal('fresh');
  });

  it('replaces a timestamp that lives longer than the policy lets one live: its clock was set back', async () => {
    const ceremony = world.ceremony({ timestampExpiresMs: 60_000 });
    world.clock.advance(1_800_000);
    await releaser.publish(ceremony.firstPublication());
    await world.stopControlPlane();
    world.clock.advance(-1_800_000);
    await world.startControlPlane();
    const again = await world.operator('viewer', 'early-viewer');
    const timestamp = await read(again, 'timestamp.json');
    expect(versionOf(timestamp)).to.equal(2);
    expect(expiryOf(timestamp).getTime()).to.be.at.most(world.clock.now() + 60_000);
  });

  it('shows no release of an application that was dismissed, although the snapshot goes on listing its role', async () => {
    const ceremony = world.ceremony();
    await releaser.publish(ceremony.firstPublication());
    await uploadBlobs(world, ONE);
    await releaser.publish(ceremony.releasePublication(ONE));
    await releaser.publish(ceremony.renewalPublication({ removedApps: [APP] }));
    expect((await releaser.listReleases({})).releases).to.deep.equal([]);
    await world.enrolledHost('web-1');
    const operator = await world.operator('operator');
    expect(await codeOf(operator.deploy({ host: 'web-1', app: APP, version: '1.0' }))).to.equal('release-not-found');
  });
});

async function read(client: OperatorClient, name: string): Promise<Buffer> {
  return Buffer.concat((await collected(client.fetchMetadata({ name }))).map(({ data }) => data));
}

async function refreshAsClient(
  client: OperatorClient,
  root: Buffer,
  targets: string[] | 'top-level',
  now = new Date(),
) {
  const trusted = new Map([['root.json', root]]);
  return refreshTrust({ trusted, source: operatorTrustSource(client), targets, rules: 'keyturn', now });
}
