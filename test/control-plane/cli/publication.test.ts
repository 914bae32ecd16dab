/** Several people publish at once: whoever comes second does it again on top of the first, and nothing is lost. */
import { expect } from 'chai';
import type { OperatorClient } from '../../../control-plane/cli/client.ts';
import { Home } from '../../../control-plane/cli/home.ts';
import { type Publisher, publishChange, refreshHome, trustedRole } from '../../../control-plane/cli/publication.ts';
import { pushRelease } from '../../../control-plane/cli/push.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { openKtr } from '../../../shared/release/ktr.ts';
import { generateKey, type SigningKey } from '../../../shared/trust/keys.ts';
import { memorySource } from '../../../shared/trust/source.ts';
import { fileNameOf, releaseRoleOf, versionOf } from '../../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../../shared/trust/tuf-refresh.ts';
import { rotateRoot } from '../../../shared/trust/tuf-repository.ts';
import { APP, buildBundle, CommandWorld } from '../../support/command-line.ts';
import { codeOf } from '../../support/rejection-of.ts';

type Publish = OperatorClient['publish'];

describe('publishing from the machine that holds the keys', function () {
  this.timeout(20_000);
  let world: CommandWorld;
  beforeEach(async () => {
    world = await CommandWorld.started();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  /** A publisher whose `publish` is this; it is given the real one. */
  const intercepted = (home: Home, publish: (real: Publish) => Publish): Publisher => {
    const publisher = world.publisher('releaser', home);
    return { ...publisher, client: { ...publisher.client, publish: publish(publisher.client.publish) } };
  };

  async function push(bundle: string, publisher: Publisher): Promise<void> {
    const keys = {
      release: world.home.loadKeys(releaseRoleOf(APP), undefined),
      snapshot: world.home.loadKeys('snapshot', undefined),
    };
    await pushRelease(await openKtr(bundle), { publisher, keys, onProgress: () => {} });
  }

  async function versions(): Promise<string[]> {
    const { releases } = await world.publisher('viewer').client.listReleases({});
    return releases.map(({ version }) => version).sort();
  }

  it('redoes the push that was overtaken; both releases are there', async () => {
    const [first, second] = [await buildBundle(world.folder, '0.6'), await buildBundle(world.folder, '0.7')];
    let offers = 0;
    const overtaken = intercepted(world.home, (real) => async (request) => {
      offers += 1;
      // Signed already, but not published yet: the other one is quicker.
      if (offers === 1) await push(second, world.publisher('releaser', world.copyOfHome('other')));
      return real(request);
    });
    await push(first, overtaken);
    expect(offers).to.equal(2);
    expect(await versions()).to.deep.equal(['0.6', '0.7']);
  });

  it('lets two publishers run against each other; both releases are there', async () => {
    const bundles = [await buildBundle(world.folder, '0.6'), await buildBundle(world.folder, '0.7')];
    const homes = [world.home, world.copyOfHome('other')];
    await Promise.all(
      bundles.map((bundle, index) => push(bundle, world.publisher('releaser', homes[index] ?? world.home))),
    );
    expect(await versions()).to.deep.equal(['0.6', '0.7']);
  });

  const FAILING: readonly { name: string; error: Error; code: string; offers: number }[] = [
    {
      name: 'gives up after eight losses, and says so',
      error: new RejectedError('publication-outdated', 'failed to publish: others were quicker'),
      code: 'publication-outdated',
      offers: 8,
    },
    {
      name: 'does not offer again what was refused',
      error: new RejectedError('metadata-not-trusted', 'failed to publish: no'),
      code: 'metadata-not-trusted',
      offers: 1,
    },
    {
      name: 'does not offer again when the control plane is gone: it may have been published',
      error: new TransientError('failed to publish: gone'),
      code: 'transient',
      offers: 1,
    },
  ];
  for (const { name, error, code, offers } of FAILING) {
    it(name, async () => {
      let offered = 0;
      const publisher = intercepted(world.home, () => async () => {
        offered += 1;
        throw error;
      });
      const published = publishChange(publisher, () => ({ metadata: new Map(), targets: new Map() }));
      expect([await codeOf(published), offered]).to.deep.equal([code, offers]);
    });
  }

  it('makes every attempt from what is newest then', async () => {
    const bundle = await buildBundle(world.folder, '0.6');
    const seen: number[] = [];
    let offered = 0;
    const publisher = intercepted(world.home, () => async () => {
      offered += 1;
      await push(bundle, world.publisher('releaser', world.copyOfHome(`other-${offered}`)));
      throw new RejectedError(offered === 3 ? 'enough' : 'publication-outdated', 'failed to publish: too late');
    });
    const published = publishChange(publisher, (trusted) => {
      seen.push(versionOf(trustedRole(trusted, 'snapshot')));
      return { metadata: new Map(), targets: new Map() };
    });
    expect(await codeOf(published)).to.equal('enough');
    expect(seen).to.deep.equal([1, 2, 3]);
  });

  it('takes no new key back once it is published, though what is published cannot be read back', async () => {
    const publisher = world.publisher('releaser');
    let isPublished = false;
    const changing = intercepted(world.home, (real) => async (request) => {
      const answer = await real(request);
      isPublished = true;
      return answer;
    });
    const { fetchMetadata } = publisher.source;
    const source = {
      ...publisher.source,
      // As if the next answer came from somebody else: an error that says that the other side is wrong.
      fetchMetadata: (name: string) =>
        isPublished ? memorySource(new Map([[name, Buffer.from('{}')]])).fetchMetadata(name) : fetchMetadata(name),
    };
    const keys = [generateKey(), generateKey(), generateKey()];
    const replaced = world.home.replaceKeys('root', { keys, passphrase: undefined }, () =>
      publishChange({ ...changing, source }, (trusted) => ({
        metadata: new Map([['root', rotatedRoot(trusted, keys)]]),
        targets: new Map(),
      })),
    );
    expect(await codeOf(replaced)).to.equal('transient');
    expect(world.home.loadKeys('root', undefined).map(({ keyId }) => keyId)).to.include.members(
      keys.map(({ keyId }) => keyId),
    );
    await refreshHome(publisher);
    expect(versionOf(world.home.loadTrust().get('root.json') ?? Buffer.alloc(0))).to.equal(2);
  });

  it('saves what it verified, and nothing that is not trusted', async () => {
    const before = world.home.loadTrust();
    expect([...before.keys()]).to.deep.equal(['root.json']);
    await refreshHome(world.publisher('viewer'));
    const saved = world.home.loadTrust();
    expect([...saved.keys()].sort()).to.deep.equal(['root.json', 'snapshot.json', 'targets.json', 'timestamp.json']);
    await using stranger = await CommandWorld.held();
    const home = new Home(stranger.home.folder);
    expect(await codeOf(refreshHome({ ...world.publisher('viewer'), home }))).to.equal('metadata-not-trusted');
    expect([...home.loadTrust().keys()]).to.deep.equal(['root.json']);
  });

  it('names the role that is not in the trusted set', () => {
    expect(() => trustedRole(new Map([[fileNameOf('root'), Buffer.alloc(0)]]), 'targets'))
      .to.throw(RejectedError, 'role "targets"')
      .with.property('code', 'role-unknown');
  });

  function rotatedRoot(trusted: TrustedMetadata, keys: readonly SigningKey[]): Buffer {
    const expiresAt = new Date(Date.now() + 3_600_000);
    const signers = [...world.home.loadKeys('root', undefined), ...keys];
    return rotateRoot(trustedRole(trusted, 'root'), { root: { keys, threshold: 2 } }, { expiresAt, signers });
  }
});
