import { appendFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { MethodDefinition } from '@grpc/grpc-js';
import { expect } from 'chai';
import type { BlobWant } from '../../../host-agent/install/blob-source.ts';
import { deployManifestText } from '../../../host-agent/install/deploy-manifest.ts';
import { receive } from '../../../host-agent/install/receive.ts';
import { sha256 } from '../../../shared/digest.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { packChunks, unpackChunks } from '../../../shared/release/content/chunk-list.ts';
import { agentGatewayService } from '../../../shared/rpc/definitions.ts';
import type { ChunkList } from '../../../shared/rpc/generated/messages.ts';
import { endDiskThreads } from '../../../shared/store/disk-threads/disk-threads.ts';
import { mutatedMessages } from '../../mutations/carriers.ts';
import { type InstallFixture, installFixture, manifestOf, RecordingSource } from '../../support/install-fixture.ts';
import { noise } from '../../support/noise.ts';

const TEXT = noise('old text', 60_000).toString('base64');
const CHANGED = `${TEXT.slice(0, 30_000)} changed ${TEXT.slice(30_000)}`;
const LARGE = noise('old large', 2 * LIMITS.chunkedFileBytes).toString('base64');
const LARGE_CHANGED = `${LARGE.slice(0, 1_500_000)} changed ${LARGE.slice(1_500_000)}`;
const OLD = { 'app.py': TEXT, 'large.bin': LARGE, 'same.txt': 'the same in both', 'moved-from.txt': 'moved content' };
const NEW = {
  'app.py': CHANGED,
  'large.bin': LARGE_CHANGED,
  'same.txt': 'the same in both',
  'moved-to.txt': 'moved content',
};

const { responseSerialize, responseDeserialize } = agentGatewayService.FetchChunkList as MethodDefinition<
  object,
  object
>;
const chunkLists = {
  encode: (list: ChunkList): Buffer => responseSerialize(list),
  decode: (bytes: Buffer) => responseDeserialize(bytes) as ChunkList,
};

describe('what a host has already', () => {
  let fixture: InstallFixture;
  beforeEach(() => {
    fixture = installFixture({ content: NEW, neighbours: 'none' });
  });
  afterEach(async () => {
    fixture.remove();
    await endDiskThreads();
  });

  it('is copied by the list that Keyturn left, whatever the path was, and never asked for', async () => {
    install('app-0.9', OLD);
    await receive(fixture.context, { source: fixture.source });
    expect(askedFor('same in both')).to.deep.equal([]);
    expect(askedFor('moved content')).to.deep.equal([]);
    expectWhole();
  });

  it('is offered as dictionary for the file that stands in its place now', async () => {
    install('app-0.9', OLD);
    await receive(fixture.context, { source: fixture.source });
    const wants = wantsOf(CHANGED);
    expect(wants).to.have.length(1);
    expect(wants[0]?.base).to.include({ sha256: sha256(TEXT), offset: 0, length: TEXT.length });
    expect((await wants[0]?.base?.read())?.toString()).to.equal(TEXT);
    expectWhole();
  });

  it('is asked for by the chunks that are new in a large file, and the rest copied', async () => {
    install('app-0.9', OLD);
    const report = await receive(fixture.context, { source: fixture.source });
    const asked = wantsOf(LARGE_CHANGED).reduce((sum, { at }) => sum + at.length, 0);
    expect(asked).to.be.within(1, LIMITS.deltaBytes);
    expect(report.fetchedBytes).to.be.below(CHANGED.length + LIMITS.deltaBytes + 1);
    expectWhole();
  });

  it('is fetched as a whole after the old file turned out to be another one', async () => {
    install('app-0.9', OLD);
    const old = join(fixture.root, 'app-0.9', 'large.bin');
    const honest = fixture.source.fetch.bind(fixture.source);
    fixture.source.fetch = (wants, options) => {
      // Between the comparison and the copy.
      writeFileSync(old, noise('swapped', LARGE.length));
      return honest(wants, options);
    };
    await receive(fixture.context, { source: fixture.source });
    expect(wantsOf(LARGE_CHANGED).at(-1)?.at).to.deep.equal({ offset: 0, length: LARGE_CHANGED.length });
    expectWhole();
  });

  it('is no dictionary when people have changed it: its digest stays on the host', async () => {
    install('app-0.9', OLD);
    appendFileSync(join(fixture.root, 'app-0.9', 'app.py'), 'password = "secret"');
    appendFileSync(join(fixture.root, 'app-0.9', 'large.bin'), 'password = "secret"');
    await receive(fixture.context, { source: fixture.source });
    const named = fixture.source.asked.flatMap(({ base }) => (base ? [base.sha256] : []));
    const known = new Set([...Object.values(OLD)].map((text) => sha256(text)));
    expect(named.filter((digest) => !known.has(digest))).to.deep.equal([]);
    expect(wantsOf(CHANGED)[0]?.base).to.equal(undefined);
    // Nor is it told by what is not asked for.
    expect(wantsOf(LARGE_CHANGED).map(({ at }) => at.length)).to.deep.equal([LARGE_CHANGED.length]);
    expectWhole();
  });

  it('is no dictionary when somebody else installed it', async () => {
    writeTree('old', OLD);
    const preserving = fixture.with({
      release: {
        ...fixture.context.release,
        plan: {
          ...fixture.context.release.plan,
          install: { ...fixture.context.release.plan.install, preserve: ['old'] },
        },
      },
    });
    await receive(preserving, { source: fixture.source });
    expect(fixture.source.asked.every(({ base }) => base === undefined)).to.equal(true);
    expect(askedFor('moved content')).to.deep.equal([]);
    expect(wantsOf(LARGE_CHANGED).map(({ at }) => at.length)).to.deep.equal([LARGE_CHANGED.length]);
    expectWhole();
  });

  it('is nothing where a file, a link or a loop stands on the way to it', async () => {
    install('app-0.9', OLD);
    const { manifest, blobs } = manifestOf({ 'app.py/below': 'a', 'loop/below': 'b', 'outside/hosts': 'c' });
    symlinkSync('loop', join(fixture.root, 'app-0.9', 'loop'));
    symlinkSync('/etc', join(fixture.root, 'app-0.9', 'outside'));
    appendFileSync(
      join(fixture.root, 'app-0.9', 'DEPLOY-MANIFEST.txt'),
      ['app.py/below', 'loop/below', 'outside/hosts'].map((path) => `${'0'.repeat(64)}  ${path}\n`).join(''),
    );
    const source = new RecordingSource(blobs);
    expect((await receive(fixture.with({ manifest }), { source })).fetchedFiles).to.equal(3);
    expect(source.asked.every(({ base }) => base === undefined)).to.equal(true);
  });

  it('is fetched as a whole when no chunk list is to be had', async () => {
    install('app-0.9', OLD);
    fixture.source.chunksOf = async () => Promise.reject(new Error('not reached'));
    let failure: unknown;
    await receive(fixture.context, { source: fixture.source }).catch((error: unknown) => {
      failure = error;
    });
    expect(failure).to.have.property('message', 'not reached');
    fixture.source.chunksOf = async () => [];
    await receive(fixture.context, { source: fixture.source });
    expectWhole();
  });

  it('ends with the right file whatever a chunk list says', async () => {
    const honest = packChunks(await fixture.source.chunksOf({ sha256: sha256(LARGE_CHANGED) }));
    const message = chunkLists.encode({ lengths: [...honest.lengths], digests: Buffer.from(honest.digests) });
    const lies = mutatedMessages({ name: 'ChunkList', bytes: message }, () => [Buffer.alloc(64, 0xab)]);
    expect(lies.length).to.be.at.least(20);
    for (const { mutation, bytes } of lies) {
      fixture.remove();
      fixture = installFixture({ content: NEW, neighbours: 'none' });
      install('app-0.9', OLD);
      fixture.source.chunksOf = async () => {
        const { lengths, digests } = chunkLists.decode(bytes);
        return unpackChunks({ lengths, digests }, LARGE_CHANGED.length);
      };
      await receive(fixture.context, { source: fixture.source });
      expectWhole(mutation);
    }
  }).timeout(60_000);

  function install(name: string, content: Readonly<Record<string, string>>): void {
    const { manifest } = manifestOf(content);
    writeTree(name, { ...content, 'DEPLOY-MANIFEST.txt': deployManifestText(fixture.with({ manifest })) });
  }

  function writeTree(name: string, content: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(content)) {
      const at = join(fixture.root, name, path);
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, text);
    }
  }

  function wantsOf(text: string): BlobWant[] {
    return fixture.source.asked.filter((want) => want.sha256 === sha256(text));
  }

  function askedFor(part: string): BlobWant[] {
    const digests = Object.values(NEW)
      .filter((text) => text.includes(part))
      .map((text) => sha256(text));
    return fixture.source.asked.filter((want) => digests.includes(want.sha256));
  }

  function expectWhole(story?: string): void {
    const content = join(fixture.context.places.staging, 'content');
    for (const text of Object.values(NEW))
      expect(sha256(readFileSync(join(content, sha256(text)))), story).to.equal(sha256(text));
    expect(readdirSync(content), story).to.have.length(Object.keys(NEW).length);
  }
});
