/** A published statement is read through the pinned trust root: the control plane can withhold it, not change it. */
import { expect } from 'chai';
import type { Publisher } from '../../../control-plane/cli/publication.ts';
import { readReleaseStatement } from '../../../control-plane/cli/published-release.ts';
import { TransientError } from '../../../shared/errors.ts';
import { openKtr, readKtrRelease } from '../../../shared/release/ktr.ts';
import { APP, buildBundle, CommandWorld } from '../../support/command-line.ts';
import { codeOf } from '../../support/rejection-of.ts';

type FetchTarget = Publisher['source']['fetchTarget'];

describe('the statement of a published release', function () {
  this.timeout(20_000);
  let world: CommandWorld;
  let bundle: string;
  before(async () => {
    world = await CommandWorld.started();
    bundle = await buildBundle(world.folder, '0.6');
    await world.json('release', 'push', bundle);
  });
  after(() => world[Symbol.asyncDispose]());

  const read = (version: string, fetchTarget?: FetchTarget) => {
    const publisher = world.publisher('viewer');
    const source = fetchTarget ? { ...publisher.source, fetchTarget } : publisher.source;
    return readReleaseStatement({ app: APP, version }, { home: publisher.home, source });
  };
  async function* bytes(text: string): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  }

  it('is what was signed', async () => {
    expect(await read('0.6')).to.deep.equal((await readKtrRelease(await openKtr(bundle))).statement);
  });

  const ATTACKS: readonly { name: string; version: string; fetchTarget?: FetchTarget; code: string }[] = [
    { name: 'a version that no role lists', version: '0.7', code: 'release-unknown' },
    { name: 'a name out of an object', version: 'constructor', code: 'release-unknown' },
    { name: 'other bytes', version: '0.6', fetchTarget: () => bytes('{}'), code: 'target-differs' },
    { name: 'no bytes', version: '0.6', fetchTarget: () => bytes(''), code: 'target-differs' },
    {
      name: 'more bytes than were signed',
      version: '0.6',
      fetchTarget: () => bytes('x'.repeat(100_000)),
      code: 'metadata-too-large',
    },
    {
      name: 'nothing at all',
      version: '0.6',
      fetchTarget: () => {
        throw new TransientError('failed to fetch');
      },
      code: 'transient',
    },
  ];
  it('has six rows', () => expect(ATTACKS).to.have.length(6));
  for (const { name, version, fetchTarget, code } of ATTACKS) {
    it(`is not ${name}: ${code}`, async () => expect(await codeOf(read(version, fetchTarget))).to.equal(code));
  }
});
