/** What has run out is renewed role by role; what is submitted is never older than what stands, nor has it run out itself. */
import { expect } from 'chai';
import { publishedSet } from '../../../control-plane/operator/published-set.ts';
import type { PublishRequest } from '../../../shared/rpc/generated/messages.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { expiryOf, fileNameOf, releaseRoleOf, versionOf } from '../../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../../shared/trust/tuf-refresh.ts';
import { changeTargets, createSnapshot, removeReleases, rotateRoot } from '../../../shared/trust/tuf-repository.ts';
import { ControlPlaneWorld, HOUR_MS } from '../../support/control-plane-world.ts';
import { uploadBlobs } from '../../support/publish-release.ts';
import { codeOf } from '../../support/rejection-of.ts';
import { APP, files, type TrustCeremony, testRelease } from '../../support/trust-ceremony.ts';

const DAY_MS = 24 * HOUR_MS;
const RELEASE = releaseRoleOf(APP);

/** Everything that a keyholder needs to sign one more time. */
interface Hand {
  readonly ceremony: TrustCeremony;
  readonly now: number;
}

/** Signs until then; the keys of the ceremony unless others are given. */
interface With {
  readonly days?: number;
  readonly isStranger?: true;
}

const signing = (hand: Hand, role: keyof TrustCeremony['keys'], { days = 30, isStranger }: With = {}) => ({
  expiresAt: new Date(hand.now + days * DAY_MS),
  signers: [isStranger ? generateKey() : hand.ceremony.keys[role]],
});

const root = (hand: Hand, how?: With): Buffer => rotateRoot(hand.ceremony.root, {}, signing(hand, 'root', how));
const targets = (hand: Hand, how?: With): Buffer =>
  changeTargets(hand.ceremony.targets, {}, signing(hand, 'targets', how));
const releases = (hand: Hand, how?: With): Buffer =>
  removeReleases(hand.ceremony.releases ?? Buffer.alloc(0), { app: APP, paths: [] }, signing(hand, 'release', how));
const snapshot = (hand: Hand, listed: Readonly<Record<string, Uint8Array>>, how?: With): Buffer =>
  createSnapshot(hand.ceremony.snapshot, new Map(Object.entries(listed)), signing(hand, 'snapshot', how));

interface Row {
  readonly submit: (hand: Hand) => Readonly<Record<string, Uint8Array>>;
  readonly code?: string;
  /** Versions of root, targets, snapshot and the list of releases that are published afterwards. */
  readonly published: string;
}

/** All of them are submitted thirty-one days after the ceremony, when every role has run out for a day. */
const SUBMISSIONS: Readonly<Record<string, Row>> = {
  'a new root is published, though everything below it has run out': {
    submit: (hand) => ({ '2.root.json': root(hand) }),
    published: '2 1 2 1',
  },
  'new targets are published, though the root has run out': {
    submit: (hand) => {
      const renewed = targets(hand);
      return { '2.targets.json': renewed, '3.snapshot.json': snapshot(hand, { targets: renewed }) };
    },
    published: '1 2 3 1',
  },
  'a new snapshot of the same files is published': {
    submit: (hand) => ({ '3.snapshot.json': snapshot(hand, {}) }),
    published: '1 1 3 1',
  },
  'a new list of releases is published': {
    submit: (hand) => {
      const renewed = releases(hand);
      return { [`2.${RELEASE}.json`]: renewed, '3.snapshot.json': snapshot(hand, { [RELEASE]: renewed }) };
    },
    published: '1 1 3 2',
  },
  'a root that has run out by the time it comes is refused': {
    submit: (hand) => ({ '2.root.json': root(hand, { days: -1 }) }),
    code: 'metadata-expired',
    published: '1 1 2 1',
  },
  'targets that have run out are refused, under a snapshot that has not': {
    submit: (hand) => {
      const renewed = targets(hand, { days: -1 });
      return { '2.targets.json': renewed, '3.snapshot.json': snapshot(hand, { targets: renewed }) };
    },
    code: 'metadata-expired',
    published: '1 1 2 1',
  },
  'a snapshot that has run out is refused, with targets that have not': {
    submit: (hand) => {
      const renewed = targets(hand);
      return { '2.targets.json': renewed, '3.snapshot.json': snapshot(hand, { targets: renewed }, { days: -1 }) };
    },
    code: 'metadata-expired',
    published: '1 1 2 1',
  },
  'a list of releases that has run out is refused': {
    submit: (hand) => {
      const renewed = releases(hand, { days: -1 });
      return { [`2.${RELEASE}.json`]: renewed, '3.snapshot.json': snapshot(hand, { [RELEASE]: renewed }) };
    },
    code: 'metadata-expired',
    published: '1 1 2 1',
  },
  'the old targets once more are refused': {
    submit: ({ ceremony }) => ({ '1.targets.json': ceremony.targets }),
    code: 'publication-outdated',
    published: '1 1 2 1',
  },
  'the old root once more is refused': {
    submit: ({ ceremony }) => ({ '1.root.json': ceremony.root }),
    code: 'publication-outdated',
    published: '1 1 2 1',
  },
  'a new snapshot that lists the targets under a lower version is refused': {
    submit: (hand) => {
      const lower = Buffer.from(snapshot(hand, {}).toString().replace('"version":1', '"version":0'));
      return { '3.snapshot.json': lower };
    },
    code: 'version-invalid',
    published: '1 1 2 1',
  },
  'a new root that somebody else has signed is refused': {
    submit: (hand) => ({ '2.root.json': root(hand, { isStranger: true }) }),
    code: 'metadata-not-trusted',
    published: '1 1 2 1',
  },
  'new targets that somebody else has signed are refused': {
    submit: (hand) => {
      const renewed = targets(hand, { isStranger: true });
      return { '2.targets.json': renewed, '3.snapshot.json': snapshot(hand, { targets: renewed }) };
    },
    code: 'metadata-not-trusted',
    published: '1 1 2 1',
  },
  'a new snapshot that somebody else has signed is refused': {
    submit: (hand) => ({ '3.snapshot.json': snapshot(hand, {}, { isStranger: true }) }),
    code: 'metadata-not-trusted',
    published: '1 1 2 1',
  },
};

describe('publishing what renews metadata that has run out', () => {
  let world: ControlPlaneWorld;
  let hand: Hand;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
    const ceremony = world.ceremony();
    await world.controlPlane.publish(ceremony.firstPublication());
    await uploadBlobs(world, testRelease('1.0'));
    await world.controlPlane.publish(ceremony.releasePublication(testRelease('1.0')));
    world.clock.advance(31 * DAY_MS);
    hand = { ceremony, now: world.clock.now() };
    // The control plane goes on signing timestamps; one in the middle of a publication would overtake it.
    while (expiryOf((await trusted()).get('timestamp.json') ?? Buffer.alloc(0)).getTime() <= hand.now);
  });
  afterEach(() => world.stop());

  const publish = (request: Partial<PublishRequest>) =>
    world.controlPlane.publish({ metadata: [], targets: [], ...request });

  async function trusted(): Promise<TrustedMetadata> {
    return (await publishedSet(world.controlPlane.store))?.trusted ?? new Map();
  }

  async function published(): Promise<string> {
    const all = await trusted();
    return ['root', 'targets', 'snapshot', RELEASE]
      .map((role) => versionOf(all.get(fileNameOf(role)) ?? Buffer.alloc(0)))
      .join(' ');
  }

  it('has fourteen submissions', () => expect(Object.keys(SUBMISSIONS)).to.have.length(14));
  for (const [title, { submit, code = 'nothing was refused', published: after }] of Object.entries(SUBMISSIONS)) {
    it(title, async () => {
      expect(await codeOf(publish({ metadata: files(submit(hand)) }))).to.equal(code);
      expect(await published()).to.equal(after);
    });
  }

  it('takes nothing that has run out as the first publication', async () => {
    await using other = await startedWorld();
    const ceremony = other.ceremony();
    other.clock.advance(31 * DAY_MS);
    expect(await codeOf(other.controlPlane.publish(ceremony.firstPublication()))).to.equal('metadata-expired');
    expect(await other.controlPlane.isPublished()).to.equal(false);
  });
});

async function startedWorld(): Promise<ControlPlaneWorld & AsyncDisposable> {
  const world = await ControlPlaneWorld.start();
  return Object.assign(world, { [Symbol.asyncDispose]: () => world.stop() });
}
